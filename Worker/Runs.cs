using System.Collections.Concurrent;
using System.Diagnostics;
using AspireJobs.Jobs;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker;

/// <summary>The jobs that this worker holds.</summary>
internal sealed class Runs(JobExecutor executor, IOptions<WorkerOptions> options, TimeProvider time, ILogger<Runs> logger)
{
    /// <summary>How many runs may be held for each slot, those included that only have their result stored.</summary>
    const int MostPerSlot = 4;

    readonly ConcurrentDictionary<JobLease, Held> _held = new();

    // Runs whose end could not be stored: their leases may stand for a while, and nobody runs them again.
    readonly ConcurrentBag<JobLease> _abandoned = [];

    /// <summary>Raised when more runs may start than before.</summary>
    public event Action? SlotFreed;

    /// <summary>Raised when a run starts so long after its claim that its lease is to be renewed at once.</summary>
    public event Action? StartedLate;

    /// <summary>No more runs are to be started.</summary>
    public bool Draining { get; private set; }

    /// <summary>Starts no more runs, or starts them again.</summary>
    public void Drain(bool draining)
    {
        Draining = draining;
        if (!draining)
            SlotFreed?.Invoke();
    }

    /// <summary>Every lease that this worker knows of and that may still stand.</summary>
    public IReadOnlyCollection<JobLease> Known => [.. _held.Keys, .. _abandoned];

    /// <summary>
    /// How many more runs may start. A run that only has its result stored takes no slot, so that this and the next claims go on together; but
    /// the number of those held is limited, however long storing takes.
    /// </summary>
    public int FreeSlots
    {
        get
        {
            var slots = options.Value.Slots;
            var held = All;
            return Draining ? 0 : Math.Min(slots - held.Count(run => !run.Settling), MostPerSlot * slots - held.Count);
        }
    }

    /// <summary>All runs that have not ended.</summary>
    public IReadOnlyList<Run> All => [.. _held.Values.Select(held => held.Run)];

    /// <summary>The runs of a job: one, or for a moment also an earlier attempt that is being stopped.</summary>
    public IEnumerable<Run> Of(JobId id) => All.Where(run => run.Job.Id == id);

    /// <summary>Begins a run and returns at once.</summary>
    public void Start(ClaimedJob claimed, long claimedAt)
    {
        var run = new Run(claimed, claimedAt, time) { Trace = TraceOf(claimed) };
        run.StopBegan += reason => OfRun(run, () => logger.JobStopping(run.Job.Id, reason.Word()));
        run.SettlingBegan += () => SlotFreed?.Invoke();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _held[run.Lease] = new Held(run, ExecuteAsync(run, gate.Task));
        gate.SetResult();
        if (run.Elapsed > JobLeases.Renewal / 2)
            StartedLate?.Invoke();
    }

    /// <summary>
    /// Waits until every run has ended; those that go on after <paramref name="patience"/> are stopped. Those whose end cannot be stored until
    /// <paramref name="deadline"/> are left to the leader.
    /// </summary>
    public async Task EndAllAsync(TimeSpan patience, CancellationToken deadline)
    {
        var ended = Task.WhenAll(_held.Values.Select(held => held.Ended));
        try
        {
            await ended.WaitAsync(patience, time, deadline).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var (run, _) in _held.Values)
                run.Stop(StopReason.ShuttingDown);
            await ended.WaitAsync(deadline);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            logger.JobsLeft(_held.Count);
        }
    }

    async Task ExecuteAsync(Run run, Task held)
    {
        await held;
        using var traced = Traces.Resume();
        try
        {
            await executor.ExecuteAsync(run);
        }
        catch (Exception e)
        {
            // Nothing could be stored. The lease is not renewed from here on, so the job is settled as lost.
            OfRun(run, () => logger.JobFault(e, run.Job.Id));
            _abandoned.Add(run.Lease);
        }
        _held.TryRemove(run.Lease, out _);
        run.Dispose();
        SlotFreed?.Invoke();
    }

    // The line belongs to the job, not to the loop or the timer that says it.
    static void OfRun(Run run, Action line)
    {
        var before = Activity.Current;
        Activity.Current = run.Span;
        line();
        Activity.Current = before;
    }

    static ActivityContext TraceOf(ClaimedJob claimed) =>
        ActivityContext.TryParse(claimed.TraceParent, claimed.TraceState, isRemote: true, out var trace) ? trace : default;

    sealed record Held(Run Run, Task Ended);
}
