using AspireJobs.Jobs;

namespace AspireJobs.Worker.Maintenance;

/// <summary>
/// Settles the jobs of workers that fell silent. Every worker does it: the statement skips rows that another one is settling, so each job
/// is settled, and announced, once.
/// </summary>
internal sealed class LostJobs(JobLeases leases, Settlement settlement, TimeProvider time, ILogger<LostJobs> logger) : BackgroundService
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    readonly Outage _outage = new("looking for lost jobs", time, logger);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var untraced = Traces.Suppress();
        using var tick = new PeriodicTimer(Interval, time);
        while (await tick.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                while (await SettleAsync(stoppingToken) > 0)
                {
                }
                _outage.Over();
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                _outage.Failed(e);
            }
        }
    }

    /// <summary>Settles one page of jobs and returns how many.</summary>
    internal async Task<int> SettleAsync(CancellationToken cancellationToken)
    {
        var lost = await leases.SettleExpiredAsync(cancellationToken);
        foreach (var job in lost)
            await settlement.AnnounceAsync(job);
        return lost.Count;
    }
}
