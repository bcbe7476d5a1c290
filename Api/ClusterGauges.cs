using AspireJobs.Jobs;

namespace AspireJobs.Api;

/// <summary>Keeps the gauges that speak of the whole system fresh. When the store cannot be read they leave the page, as an old number would lie.</summary>
sealed class ClusterGauges(JobStore jobs, TimeProvider time, ILogger<ClusterGauges> log) : BackgroundService
{
    static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        do
            ClusterTelemetry.Set(await ReadAsync(stoppingToken));
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    async Task<ClusterStats?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await jobs.StatsAsync(cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            JobsTelemetry.StoreUnread();
            log.StatsUnavailable(e);
            return null;
        }
    }
}
