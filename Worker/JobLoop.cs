using AspireJobs.Jobs;
using Microsoft.Extensions.Options;
using Npgsql;

namespace AspireJobs.Worker;

/// <summary>Takes jobs while slots are free: as many as there are slots, claimed in one statement.</summary>
internal sealed class JobLoop(
    Runs runs, JobQueue queue, JobLeases leases, JobSignals signals, WorkerId worker, PrivateDirectory directory, IOptions<WorkerOptions> options,
    TimeProvider time, ILogger<JobLoop> logger)
    : BackgroundService, IHostedLifecycleService
{
    /// <summary>A signal can get lost with the connection to Redis; this long at most it goes unnoticed.</summary>
    static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(1);

    readonly Signal _wake = new(time);
    readonly Outage _outage = new("taking jobs", time, logger);

    // A claim was sent and its answer did not come: it may have taken jobs.
    bool _unanswered;

    // A claim may find jobs. Not so after one that took the rest, until a signal comes or is overdue.
    volatile bool _anyReady = true;

    long _lookedAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        logger.WorkerStarted(worker.Value, runs.FreeSlots, directory.ToString());
        using var untraced = Traces.Suppress();
        runs.SlotFreed += _wake.Set;
        await using var ready = await signals.OnReadyAsync(() =>
        {
            _anyReady = true;
            _wake.Set();
        });
        try
        {
            while (!stoppingToken.IsCancellationRequested)
                await _wake.WaitAsync(await TakeAllAsync(stoppingToken), stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // To the host, which has stopped nothing yet, it would be a fault.
        }
    }

    /// <summary>Takes jobs until no slot or no job is left, and says how long to wait.</summary>
    async Task<TimeSpan> TakeAllAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (LeftToWait == TimeSpan.Zero)
                _anyReady = true;
            while (!stoppingToken.IsCancellationRequested && _anyReady && await TakeAsync())
            {
            }
            _outage.Over();
            return LeftToWait;
        }
        catch (Exception e)
        {
            _anyReady = true;
            return _outage.Failed(e);
        }
    }

    // Since the last look, however often slots have become free meanwhile.
    TimeSpan LeftToWait => LongestWait - time.GetElapsedTime(_lookedAt) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    /// <summary>One claim. True if it took any.</summary>
    async Task<bool> TakeAsync()
    {
        // Not the stopping token: a claim whose answer is thrown away would leave jobs that nobody runs.
        using var patience = new CancellationTokenSource(JobLeases.Renewal, time);
        var claimedAt = _lookedAt = time.GetTimestamp();
        await StartUnansweredAsync(patience.Token);
        directory.EnsureWritable();
        // Runs that began together end together; those that are about to free their slots come first.
        await Task.Yield();
        var slots = runs.FreeSlots;
        if (slots <= 0)
            return false;
        _unanswered = true;
        // Before the claim: what comes meanwhile it may not see.
        _anyReady = false;
        Claim claim;
        try
        {
            claim = await leases.ClaimAsync(worker.Value, options.Value.Queues, slots, patience.Token);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            // It was not this worker's turn, which is an answer.
            _unanswered = false;
            throw;
        }
        _unanswered = false;
        if (!claim.IsRest)
            _anyReady = true;
        Start(claim.Jobs, claimedAt);
        return claim.Jobs.Count > 0;
    }

    /// <summary>Runs what a claim took whose answer got lost: nobody else would.</summary>
    async Task StartUnansweredAsync(CancellationToken patience)
    {
        if (!_unanswered)
            return;
        var claimedAt = time.GetTimestamp();
        Start(await leases.UnansweredAsync(worker.Value, runs.Known, patience), claimedAt);
        _unanswered = false;
    }

    // Once more before the end. Briefly, as the time is needed to end what runs.
    async Task StartUnansweredAtLastAsync(CancellationToken hurry)
    {
        if (hurry.IsCancellationRequested)
            return;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(hurry);
        patience.CancelAfter(LastPatience);
        try
        {
            await StartUnansweredAsync(patience.Token);
        }
        // Whatever it is: what runs is still to be ended in good order.
        catch (Exception e)
        {
            _outage.Failed(e);
        }
    }

    void Start(List<ClaimedJob> claimed, long claimedAt)
    {
        if (claimed.Count == 0)
            return;
        foreach (var job in claimed)
            runs.Start(job, claimedAt);
        queue.Remove(claimed.Select(job => job.Job.Id));
    }

    /// <summary>
    /// Takes no more, lets what runs come to its end, and stops what does not in time. Before any other service stops: meanwhile this worker answers
    /// to Prometheus and to whoever asks for its health.
    /// </summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        runs.Drain(true);
        logger.WorkerDraining(worker.Value, runs.All.Count);
        await StopAsync(cancellationToken);
        await StartUnansweredAtLastAsync(cancellationToken);
        await runs.EndAllAsync(options.Value.DrainTimeout, cancellationToken);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }
}
