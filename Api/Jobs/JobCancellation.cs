using System.Diagnostics;
using AspireJobs.Jobs;

namespace AspireJobs.Api.Jobs;

/// <summary>Stops a job, and tells everyone who waits for it.</summary>
sealed class JobCancellation(JobStore jobs, JobQueue queue, JobSignals signals, ILogger<JobCancellation> log)
{
    public async Task<CancelResult?> CancelAsync(JobId id, CancellationToken cancellationToken)
    {
        var result = await jobs.CancelAsync(id, cancellationToken);
        if (result is not { Changed: true, Job: var job })
            return result;
        if (!job.IsFinal)
        {
            await signals.CancelAsync(id);
            return result;
        }
        // In the job's trace, not in that of the request.
        using var span = JobsTelemetry.Source.StartActivity("api.cancel_job", ActivityKind.Internal, job.Trace, [new("job.id", id.ToString())], Activity.Current is { } request ? [new ActivityLink(request.Context)] : []);
        queue.Remove([id]);
        JobsTelemetry.JobCompleted(job);
        log.JobCompleted(id, job.Status.Word(), duration_seconds: 0);
        await signals.OutputAsync(id);
        if (job.Request.CallbackUrl is not null)
            await signals.CallbackDueAsync();
        return result;
    }
}
