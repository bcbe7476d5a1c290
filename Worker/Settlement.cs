using AspireJobs.Jobs;
using Npgsql;

namespace AspireJobs.Worker;

/// <summary>Makes jobs final, and tells everybody: log, metrics, followers, sender of callbacks.</summary>
internal sealed class Settlement(JobResults results, JobStore store, JobSignals signals, WorkerId worker, TimeProvider time, ILogger<Settlement> logger)
{
    static readonly JobFailure Cancelled = new(JobOutcome.Cancelled.Word(), JobResults.CancelledWhileItRan);

    /// <summary>
    /// Stores how an attempt ended with the rest of its output. A database that is away is waited for, also beyond the end of the lease: as long
    /// as nobody else has settled the job, what really happened is better than "worker lost". Returns what was stored, if it was.
    /// </summary>
    public async Task<(JobResult Stored, Settled Settled)> FinishAsync(Run run, JobResult result, JobOutputBatch rest)
    {
        run.Settle();
        var (stored, settled) = run.Lost.IsCancellationRequested ? (result, Settled.LeaseLost) : await StoreOrCutAsync(run, result, rest);
        if (settled == Settled.LeaseLost)
            logger.LeaseLost(run.Job.Id, run.Lease.Attempt, worker.Value);
        else if (settled == Settled.Queued)
        {
            await RetriedAsync(run.Job, stored.Failure!);
            if (stored.Next == NextAttempt.AtOnce)
                await signals.ReadyAsync();
        }
        else
            await AnnounceAsync(run.Job with
            {
                Status = stored.Outcome.Status(),
                Outcome = stored.Outcome,
                Failure = stored.Failure,
                ExitCode = stored.ExitCode,
                // By the monotonic clock: the database's clock set the start, this machine's may differ.
                FinishedAt = run.Job.StartedAt + run.Elapsed,
            });
        return (stored, settled);
    }

    async Task<(JobResult Stored, Settled Settled)> StoreOrCutAsync(Run run, JobResult result, JobOutputBatch rest)
    {
        try
        {
            var settled = await StoreAsync(run, result, rest);
            return (settled == Settled.Cancelled ? result with { Outcome = JobOutcome.Cancelled, Failure = Cancelled } : result, settled);
        }
        catch (PostgresException e)
        {
            // Refused for good. Without the rest of the output the job still gets an end.
            logger.OutputRefused(e, run.Job.Id);
            var cut = new JobResult(JobOutcome.InternalError) { Failure = new(JobOutcome.InternalError.Word(), "the end of its output could not be stored"), TraceParent = result.TraceParent, Revision = result.Revision, Provenance = result.Provenance };
            return (cut, await StoreAsync(run, cut, JobOutputBatch.Empty));
        }
    }

    /// <summary>Tells of a job that was settled without a run, or put back into its queue: its worker died, or its time was over. The job's trace shows it.</summary>
    public async Task AnnounceWithoutRunAsync(Job job, JobFailure failure)
    {
        using var traced = Traces.Resume();
        using var span = Traces.StartSettling(job, failure);
        if (job.IsFinal)
            await AnnounceAsync(job);
        else
            await RetriedAsync(job, failure);
    }

    // Once per job: by whoever made it final.
    async Task AnnounceAsync(Job job)
    {
        JobsTelemetry.JobCompleted(job);
        logger.JobCompleted(job.Id, job.Status.Word(), Math.Round(job.DurationSeconds ?? 0, 3), job.Outcome!.Value.Word(), job.WorkerId, job.ExitCode);
        if (job is { Status: JobStatus.Failed, Failure: { } failure })
            logger.JobFailed(job.Id, failure.ErrorType, failure.Message, Math.Max(0, job.Attempt - 1), job.WorkerId);
        await signals.OutputAsync(job.Id);
        if (job.Request.CallbackUrl is not null)
            await signals.CallbackDueAsync();
    }

    async Task RetriedAsync(Job job, JobFailure failure)
    {
        logger.JobRetried(job.Id, job.Attempt, failure.ErrorType, failure.Message, job.WorkerId);
        // To those who follow this attempt alone.
        await signals.OutputAsync(job.Id);
    }

    Task<Settled> StoreAsync(Run run, JobResult result, JobOutputBatch rest)
    {
        var sentBefore = false;
        return new Outage($"settling {run.Job.Id}", time, logger).UntilAnsweredAsync(async () =>
        {
            try
            {
                var settled = await results.FinishAsync(worker.Value, run.Lease, result, rest);
                return settled == Settled.LeaseLost && sentBefore ? await WhatIsStoredAsync(run, result) : settled;
            }
            finally
            {
                sentBefore = true;
            }
        }, CancellationToken.None);
    }

    // A refusal after a call without an answer: that call may have done it.
    async Task<Settled> WhatIsStoredAsync(Run run, JobResult result)
    {
        var attempt = (await store.AttemptsAsync(run.Job.Id, CancellationToken.None)).Find(attempt => attempt.Attempt == run.Lease.Attempt);
        if (attempt is null || attempt.WorkerId != worker.Value)
            return Settled.LeaseLost;
        if (result.Outcome == JobOutcome.WorkerLost && attempt.Outcome == JobOutcome.Cancelled && attempt.Failure == Cancelled)
            return Settled.Cancelled;
        if (attempt.Outcome != result.Outcome || attempt.Failure != result.Failure)
            return Settled.LeaseLost;
        return await store.FindAsync(run.Job.Id, CancellationToken.None) is { IsFinal: true } job && job.Attempt == attempt.Attempt ? Settled.Final : Settled.Queued;
    }
}
