using AspireJobs.Jobs;
using StackExchange.Redis;

namespace AspireJobs.Worker.Maintenance;

/// <summary>
/// Puts queued jobs back that Redis does not know: Redis was lost, or a process died between the commit and the push, or between taking and
/// claiming. Every worker does it; what is in the queue already stays as it is.
/// </summary>
internal sealed class QueueReconciler(JobLeases leases, JobQueue queue, IConnectionMultiplexer redis, TimeProvider time, ILogger<QueueReconciler> logger)
    : BackgroundService
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);
    const int PageSize = 1000;

    readonly Signal _wake = new(time);
    readonly Outage _outage = new("reconciling the queue", time, logger);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var untraced = Traces.Suppress();
        // Redis may have come back empty.
        redis.ConnectionRestored += Wake;
        try
        {
            while (true)
                await _wake.WaitAsync(await TryReconcileAsync(stoppingToken), stoppingToken);
        }
        finally
        {
            redis.ConnectionRestored -= Wake;
        }
    }

    async Task<TimeSpan> TryReconcileAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (await ReconcileAsync(stoppingToken) is > 0 and var count)
                logger.QueueReconciled(count);
            _outage.Over();
            return Interval;
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            return _outage.Failed(e);
        }
    }

    /// <summary>Returns how many jobs were missing in Redis.</summary>
    internal async Task<int> ReconcileAsync(CancellationToken cancellationToken)
    {
        // Entries of jobs that are no longer queued can hide missing ones. They vanish as soon as a worker has a free slot, and before
        // that the missing ones could not run anyway.
        var known = await queue.LengthAsync();
        if (known >= await leases.CountQueuedAsync(cancellationToken))
            return 0;

        var missing = 0;
        JobId? last = null;
        while (true)
        {
            var page = await leases.QueuedAsync(last, PageSize, cancellationToken);
            if (page.Count == 0)
                return missing;
            missing += await queue.EnqueueAsync([.. page.Select(id => new QueueEntry(id, null))]);
            last = page[^1];
        }
    }

    void Wake(object? sender, ConnectionFailedEventArgs e) => _wake.Set();

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }
}
