using System.Diagnostics;
using AspireJobs.Jobs;
using OpenTelemetry;

namespace AspireJobs.Worker;

/// <summary>The spans of a job.</summary>
internal static class Traces
{
    /// <summary>
    /// The execution span: child of the job's <c>redis.enqueue</c> span, so that a job is one trace, and linked to it, as the conventions
    /// for messaging want; a further attempt is linked to the one before. A job without a usable context starts its own trace.
    /// </summary>
    public static Activity? StartExecution(Run run) =>
        JobsTelemetry.Source.StartActivity("worker.execute", ActivityKind.Consumer, run.Trace, run.SpanTags,
            Links(run))
            ?.SetTag("code.function.name", "ansible_job_execute")
            .SetTag("messaging.system", "redis")
            .SetTag("messaging.operation.type", "process")
            .SetTag("messaging.operation.name", "process")
            .SetTag("messaging.destination.name", run.Job.Request.Queue)
            .SetTag("messaging.message.id", run.IdText)
            .SetTag("cicd.pipeline.name", run.Job.Request.Playbook ?? Ansible.AnsiblePlaybook.InlineName)
            .SetTag("cicd.pipeline.run.id", run.IdText)
            .SetTag("cicd.pipeline.action.name", "RUN");

    /// <summary>
    /// Says how the execution ended: in the conventions' words a failure is the playbook's, an error is ours. Of a job that somebody else has settled
    /// meanwhile their span says how.
    /// </summary>
    public static void End(this Activity? span, JobResult result, Settled settled)
    {
        if (settled == Settled.LeaseLost)
        {
            span.Fail(StopReason.LeaseLost.Word(), "the lease was lost, and the job settled by somebody else");
            return;
        }
        span?.SetTag("job.status", (settled == Settled.Queued ? JobStatus.Queued : result.Outcome.Status()).Word()).SetTag("cicd.pipeline.result", result.Outcome switch
        {
            JobOutcome.Success => "success",
            JobOutcome.Cancelled => "cancellation",
            JobOutcome.TimedOut or JobOutcome.IdleTimedOut => "timeout",
            JobOutcome.SourceFetchFailed or JobOutcome.CredentialError or JobOutcome.WorkerLost or JobOutcome.InternalError => "error",
            _ => "failure",
        });
        if (result is { Failure: { } failure, Outcome: not JobOutcome.Cancelled })
            span.Fail(failure.ErrorType, failure.Message);
    }

    static IEnumerable<ActivityLink> Links(Run run)
    {
        if (run.Trace != default)
            yield return new ActivityLink(run.Trace);
        if (ActivityContext.TryParse(run.Claimed.FormerTraceParent, null, out var former))
            yield return new ActivityLink(former);
    }

    /// <summary>A step of the execution.</summary>
    public static Activity? StartStep(string name, Run run) =>
        JobsTelemetry.Source.StartActivity(name, ActivityKind.Internal, default(ActivityContext), run.SpanTags);

    /// <summary>The end of a job, or of an attempt at it, that no run saw.</summary>
    public static Activity? StartSettling(Job job, JobFailure failure)
    {
        var span = JobsTelemetry.Source.StartActivity("worker.settle_job", ActivityKind.Internal, job.Trace)
            ?.SetTag("job.id", job.Id.ToString()).SetTag("job.status", job.Status.Word());
        if (job.Status != JobStatus.Cancelled)
            span.Fail(failure.ErrorType, failure.Message);
        return span;
    }

    /// <summary>Says that a step was stopped, which is an error unless a caller asked for it.</summary>
    public static void Stopped(this Activity? span, StopReason? reason, string message)
    {
        if (reason is { } other and not StopReason.Cancelled)
            span.Fail(other.Word(), message);
    }

    /// <summary>
    /// Nothing below this point makes spans: a loop that asks the database every few seconds would otherwise fill the trace store with traces
    /// of one span.
    /// </summary>
    public static IDisposable Suppress() => SuppressInstrumentationScope.Begin();

    /// <summary>Undoes <see cref="Suppress"/> for a job that a loop begins.</summary>
    public static IDisposable Resume()
    {
        Activity.Current = null;
        return SuppressInstrumentationScope.Begin(false);
    }
}
