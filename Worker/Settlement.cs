using AspireJobs.Jobs;
using Npgsql;

namespace AspireJobs.Worker;

/// <summary>Makes jobs final, and tells everybody: log, metrics, followers, sender of callbacks.</summary>
internal sealed class Settlement(JobLeases leases, JobStore store, JobSignals signals, WorkerId worker, TimeProvider time, ILogger<Settlement> logger)
{
    /// <summary>
    /// Stores the final state with the rest of the output. A database that is away is waited for, also beyond the end of the lease: as long
    /// as nobody else has settled the job, what really happened is better than "worker lost".
    /// </summary>
    public async Task FinishAsync(Run run, JobResult result, JobOutputBatch rest)
    {
        run.Settling = true;
        if (run.Lost.IsCancellationRequested || await StoreOrCutAsync(run, result, rest) is not { } stored)
        {
            logger.LeaseLost(run.Job.Id, run.Lease.Attempt, worker.Value);
            return;
        }
        await AnnounceAsync(run.Job with
        {
            Status = stored.Outcome.Status(),
            Outcome = stored.Outcome,
            Failure = stored.Failure,
            ExitCode = stored.ExitCode,
            // By the monotonic clock: the database's clock set the start, this machine's may differ.
            FinishedAt = run.Job.StartedAt + run.Elapsed,
        });
    }

    // What was stored; null if the lease is lost.
    async Task<JobResult?> StoreOrCutAsync(Run run, JobResult result, JobOutputBatch rest)
    {
        try
        {
            return await StoreAsync(run, result, rest) ? result : null;
        }
        catch (PostgresException e)
        {
            // Refused for good. Without the rest of the output the job still gets an end.
            logger.OutputRefused(e, run.Job.Id);
            var cut = result with { Outcome = JobOutcome.InternalError, Failure = new(JobOutcome.InternalError.Word(), "the end of its output could not be stored") };
            return await StoreAsync(run, cut, JobOutputBatch.Empty) ? cut : null;
        }
    }

    /// <summary>Tells that a job has become final. Once per job: by whoever made it so.</summary>
    public async Task AnnounceAsync(Job job)
    {
        JobsTelemetry.JobCompleted(job);
        logger.JobCompleted(job.Id, job.Status.Word(), job.DurationSeconds ?? 0, job.Outcome!.Value.Word(), job.WorkerId, job.ExitCode);
        if (job is { Status: JobStatus.Failed, Failure: { } failure })
            logger.JobFailed(job.Id, failure.ErrorType, failure.Message, job.Attempt - 1, job.WorkerId);
        await signals.OutputAsync(job.Id);
        if (job.Request.CallbackUrl is not null)
            await signals.CallbackDueAsync();
    }

    Task<bool> StoreAsync(Run run, JobResult result, JobOutputBatch rest)
    {
        var sentBefore = false;
        return new Outage($"settling {run.Job.Id}", time, logger).UntilAnsweredAsync(async () =>
        {
            try
            {
                return await leases.FinishAsync(worker.Value, run.Lease, result, rest, CancellationToken.None)
                    || (sentBefore && await IsStoredAsync(run, result));
            }
            finally
            {
                sentBefore = true;
            }
        }, CancellationToken.None);
    }

    // A refusal after a call without an answer: that call may have done it.
    async Task<bool> IsStoredAsync(Run run, JobResult result) =>
        await store.FindAsync(run.Job.Id, CancellationToken.None) is { } job
        && job.WorkerId == worker.Value && job.Attempt == run.Lease.Attempt && job.Outcome == result.Outcome && job.Failure == result.Failure;
}
