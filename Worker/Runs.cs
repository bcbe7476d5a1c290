using System.Collections.Concurrent;
using System.Diagnostics;
using AspireJobs.Jobs;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker;

/// <summary>The jobs that this worker holds.</summary>
internal sealed class Runs(JobExecutor executor, IOptions<WorkerOptions> options, TimeProvider time, ILogger<Runs> logger)
{
    readonly ConcurrentDictionary<JobId, Held> _held = new();

    /// <summary>Raised when a run has ended.</summary>
    public event Action? SlotFreed;

    /// <summary>How many more runs may start.</summary>
    public int FreeSlots => options.Value.Slots - _held.Count;

    /// <summary>All runs that have not ended.</summary>
    public IReadOnlyList<Run> All => [.. _held.Values.Select(held => held.Run)];

    /// <summary>The run of a job, or null.</summary>
    public Run? Find(JobId id) => _held.GetValueOrDefault(id)?.Run;

    /// <summary>Begins a run and returns at once.</summary>
    public void Start(ClaimedJob claimed, string? entryTraceParent, long claimedAt)
    {
        var run = new Run(claimed, claimedAt, time) { Trace = TraceOf(claimed, entryTraceParent) };
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _held[run.Job.Id] = new Held(run, ExecuteAsync(run, gate.Task));
        gate.SetResult();
    }

    /// <summary>Stops every run and waits until all have ended.</summary>
    public Task StopAllAsync(CancellationToken deadline)
    {
        foreach (var (run, _) in _held.Values)
            Stop(run, StopReason.ShuttingDown);
        return Task.WhenAll(_held.Values.Select(held => held.Ended)).WaitAsync(deadline);
    }

    /// <summary>Stops a run.</summary>
    public void Stop(Run run, StopReason reason)
    {
        if (run.Stop(reason))
            logger.JobStopping(run.Job.Id, reason.Word());
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
            logger.JobFault(e, run.Job.Id);
        }
        _held.TryRemove(run.Job.Id, out _);
        run.Dispose();
        SlotFreed?.Invoke();
    }

    static ActivityContext TraceOf(ClaimedJob claimed, string? entryTraceParent) =>
        ActivityContext.TryParse(entryTraceParent, claimed.TraceState, isRemote: true, out var trace) ||
        ActivityContext.TryParse(claimed.TraceParent, claimed.TraceState, isRemote: true, out trace) ? trace : default;

    sealed record Held(Run Run, Task Ended);
}
