using System.Diagnostics;
using AspireJobs.Jobs;

namespace AspireJobs.Worker;

/// <summary>Why a run is stopped before its end.</summary>
internal enum StopReason
{
    /// <summary>A caller asked for it.</summary>
    Cancelled,

    /// <summary>The job's own timeout.</summary>
    TimedOut,

    /// <summary>The job's own limit on the time without output.</summary>
    Idle,

    /// <summary>The lease could not be renewed and is about to end.</summary>
    NotRenewed,

    /// <summary>The lease is gone: the job was settled by somebody else.</summary>
    LeaseLost,

    /// <summary>The database does not take the job's output.</summary>
    OutputRefused,

    /// <summary>The worker is told to end.</summary>
    ShuttingDown,
}

/// <summary>One attempt at one job while this worker holds it. The first reason to stop it wins.</summary>
internal sealed class Run : IDisposable
{
    /// <summary>
    /// How long before the end of its lease a run that was not renewed is stopped: its processes must be dead before any other worker may
    /// call the job lost. Covers the steps from SIGINT to SIGKILL.
    /// </summary>
    public static readonly TimeSpan Margin = TimeSpan.FromSeconds(8);

    readonly TimeProvider _time;
    readonly ITimer _timeout;
    readonly ITimer _leaseEnd;
    readonly ITimer _idle;
    readonly CancellationTokenSource _stop = new();
    readonly CancellationTokenSource _lost = new();
    long _lastOutputAt;
    int _reason = -1;
    int _holds;
    volatile bool _settling;

    /// <param name="claimed">The job.</param>
    /// <param name="claimedAt">Timestamp taken before the claim was sent, so that the lease ends later in the database than here.</param>
    /// <param name="time">The clock.</param>
    public Run(ClaimedJob claimed, long claimedAt, TimeProvider time)
    {
        _time = time;
        Claimed = claimed;
        ClaimedAt = claimedAt;
        Lease = new JobLease(claimed.Job.Id, claimed.Job.Attempt);
        IdText = claimed.Job.Id.ToString();
        SpanTags = [new("job.id", IdText), new("source.type", SourceType.Word())];
        _timeout = time.CreateTimer(_ => Stop(StopReason.TimedOut), null, TimeSpan.FromSeconds(Job.Request.TimeoutSeconds), Timeout.InfiniteTimeSpan);
        _leaseEnd = time.CreateTimer(_ => Stop(StopReason.NotRenewed), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _idle = time.CreateTimer(_ => CheckIdle(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Renewed(claimedAt);
    }

    public ClaimedJob Claimed { get; }
    public long ClaimedAt { get; }
    public JobLease Lease { get; }
    public Job Job => Claimed.Job;
    public string IdText { get; }

    /// <summary>What every span of the run has.</summary>
    public KeyValuePair<string, object?>[] SpanTags { get; }

    public SourceType SourceType => Job.Request.Source!.Type!.Value;

    /// <summary>Fires when the playbook is to be stopped.</summary>
    public CancellationToken Stopping => _stop.Token;

    /// <summary>Fires when nothing that this run could write would be accepted any more.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Why the run is stopped; null while it is not.</summary>
    public StopReason? Reason => Volatile.Read(ref _reason) is >= 0 and var reason ? (StopReason)reason : null;

    /// <summary>Raised at the first reason to stop, before the run is stopped.</summary>
    public event Action<StopReason>? StopBegan;

    /// <summary>Raised when the run begins to settle.</summary>
    public event Action? SettlingBegan;

    /// <summary>The playbook is over and the result is on its way to the database: the slot is free, and a missing lease says nothing any more.</summary>
    public bool Settling => _settling;

    /// <summary>Begins to settle.</summary>
    public void Settle()
    {
        _settling = true;
        SettlingBegan?.Invoke();
    }

    /// <summary>The commit that was fetched, for a git source.</summary>
    public string? Revision { get; set; }

    /// <summary>The span of its execution, from its start on.</summary>
    public Activity? Span { get; set; }

    /// <summary>What is known of what runs; null until the source is fetched.</summary>
    public JobProvenance? Provenance { get; set; }

    /// <summary>The playbook may have touched hosts.</summary>
    public bool PlaybookBegan { get; private set; }

    /// <summary>The playbook is about to begin; from here on it must say something now and then, if the job wants that.</summary>
    public void BeginPlaybook(string? inventoryDigest)
    {
        Provenance = Provenance! with { InventoryDigest = inventoryDigest };
        PlaybookBegan = true;
        Output();
        CheckIdle();
    }

    /// <summary>The run gave output.</summary>
    public void Output() => Volatile.Write(ref _lastOutputAt, _time.GetTimestamp());

    /// <summary>The run's output is held up, so that it can give none, until <see cref="GoOn"/>.</summary>
    public void HoldUp() => Interlocked.Increment(ref _holds);

    /// <summary>The run can give output again.</summary>
    public void GoOn()
    {
        Output();
        Interlocked.Decrement(ref _holds);
    }

    // Looks again when the limit could be reached at the earliest, so that output costs no change of a timer.
    void CheckIdle()
    {
        if (Job.Request.IdleTimeoutSeconds is not { } seconds)
            return;
        if (Volatile.Read(ref _holds) > 0)
            Output();
        var left = TimeSpan.FromSeconds(seconds) - _time.GetElapsedTime(Volatile.Read(ref _lastOutputAt));
        if (left <= TimeSpan.Zero)
            Stop(StopReason.Idle);
        else
            _idle.Change(left, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Puts off the end of the lease; <paramref name="asOf"/> is a timestamp taken before the renewal was sent.</summary>
    public void Renewed(long asOf)
    {
        var left = JobLeases.Duration - Margin - _time.GetElapsedTime(asOf);
        _leaseEnd.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Begins to stop the run and returns at once.</summary>
    public void Stop(StopReason reason)
    {
        if (reason == StopReason.LeaseLost)
            Fire(_lost);
        if (Interlocked.CompareExchange(ref _reason, (int)reason, -1) == -1)
            StopBegan?.Invoke(reason);
        Fire(_stop);
    }

    // Not on the caller's thread: what hangs on the token ends processes, and the caller may be the timer or the renewal of all other runs.
    static void Fire(CancellationTokenSource source)
    {
        try
        {
            _ = source.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // The run ended in the meantime.
        }
    }

    /// <summary>Time since the claim.</summary>
    public TimeSpan Elapsed => _time.GetElapsedTime(ClaimedAt);

    /// <summary>The trace to go on with: that with which the job was stored.</summary>
    public ActivityContext Trace { get; init; }

    public void Dispose()
    {
        _timeout.Dispose();
        _leaseEnd.Dispose();
        _idle.Dispose();
        _stop.Dispose();
        _lost.Dispose();
    }
}
