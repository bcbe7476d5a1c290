using AspireJobs.Jobs;

namespace AspireJobs.Api;

/// <summary>Keeps the gauges that speak of the whole system fresh. When the store cannot be read they leave the page, as an old number would lie.</summary>
sealed class ClusterGauges(JobStore jobs, TimeProvider time, ILogger<ClusterGauges> log) : BackgroundService
{
    static readonly TimeSpan Period = TimeSpan.FromSeconds(5);
    static readonly TimeSpan LongestPeriod = TimeSpan.FromSeconds(30);

    // A million waiting jobs take half a second to count: of the database's time, a fiftieth at most goes into it.
    const int Share = 50;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        do
        {
            var started = time.GetTimestamp();
            var stats = await ReadAsync(stoppingToken);
            ClusterTelemetry.Set(stats);
            var rest = Share * time.GetElapsedTime(started);
            timer.Period = stats is null || rest < Period ? Period : rest > LongestPeriod ? LongestPeriod : rest;
        }
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
