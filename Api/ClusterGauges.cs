using AspireJobs.Jobs;

namespace AspireJobs.Api;

/// <summary>Keeps the gauges that speak of the whole system fresh. When the store cannot be read they leave the page, as an old number would lie.</summary>
sealed class ClusterGauges(JobStore jobs, TimeProvider time, ILogger<ClusterGauges> log) : BackgroundService
{
    static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(5);
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    // A million waiting jobs take half a second to count. As long as the pause is not at its longest, a fiftieth of a core goes into it.
    const int Share = 50;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var before = TimeSpan.Zero;
        while (true)
        {
            var started = time.GetTimestamp();
            var stats = await ReadAsync(stoppingToken);
            ClusterTelemetry.Set(stats);
            var took = stats is null ? TimeSpan.Zero : time.GetElapsedTime(started);
            // The shorter of two looks in a row: one may have waited, such as to connect, and one that fails has counted nothing.
            var pause = Share * (took < before ? took : before);
            before = took;
            await Task.Delay(pause < ShortestPause ? ShortestPause : pause > LongestPause ? LongestPause : pause, time, stoppingToken);
        }
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
