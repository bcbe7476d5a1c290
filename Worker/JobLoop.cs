using AspireJobs.Jobs;

namespace AspireJobs.Worker;

/// <summary>Takes jobs while slots are free: as many entries of the queue as there are slots, claimed in one statement.</summary>
internal sealed class JobLoop(
    Runs runs, JobQueue queue, JobLeases leases, JobSignals signals, WorkerId worker, PrivateDirectory directory, TimeProvider time, ILogger<JobLoop> logger)
    : BackgroundService
{
    /// <summary>A signal can get lost with the connection to Redis; this long at most it goes unnoticed.</summary>
    static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    readonly Signal _wake = new(time);
    readonly Outage _outage = new("taking jobs", time, logger);

    // Out of the queue, and nobody knows yet whether claimed: they are asked for again until the database answers.
    IReadOnlyList<QueueEntry> _taken = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        logger.WorkerStarted(worker.Value, runs.FreeSlots, directory.ToString());
        using var untraced = Traces.Suppress();
        runs.SlotFreed += _wake.Set;
        await using var enqueued = await signals.OnEnqueuedAsync(_wake.Set);
        while (!stoppingToken.IsCancellationRequested)
            await _wake.WaitAsync(await TakeAllAsync(stoppingToken), stoppingToken);
    }

    /// <summary>Takes jobs until no slot or no entry is left, and says how long to wait.</summary>
    async Task<TimeSpan> TakeAllAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (!stoppingToken.IsCancellationRequested && await TakeAsync())
            {
            }
            _outage.Over();
            return LongestWait;
        }
        catch (Exception e)
        {
            // Asking again helps only against what may pass. A row that cannot be read would come back for ever; its lease ends, and it is settled.
            if (e is not OperationCanceledException && !Outage.MayPass(e))
                _taken = [];
            return _outage.Failed(e);
        }
    }

    /// <summary>One look at the queue. True if another one may find more.</summary>
    internal async Task<bool> TakeAsync()
    {
        var slots = runs.FreeSlots;
        if (slots <= 0)
            return false;
        if (_taken.Count == 0)
            _taken = await queue.TakeAsync(slots);
        if (_taken.Count == 0)
            return false;

        // Not the stopping token: a claim whose answer is thrown away would leave jobs that nobody runs.
        var claimedAt = time.GetTimestamp();
        using var patience = new CancellationTokenSource(JobLeases.Renewal, time);
        var free = _taken.Select(entry => entry.Id).Where(id => runs.Find(id) is null).ToList();
        var claimed = await leases.ClaimAsync(free, worker.Value, patience.Token);

        var contexts = _taken.ToDictionary(entry => entry.Id, entry => entry.TraceParent);
        _taken = [];
        foreach (var job in claimed)
            runs.Start(job, contexts[job.Job.Id], claimedAt);
        return true;
    }

    /// <summary>Takes no more, stops what runs, and waits for it while the host has patience.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        logger.WorkerStopping(worker.Value, runs.All.Count);
        await base.StopAsync(cancellationToken);
        await runs.StopAllAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }
}
