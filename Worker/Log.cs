using AspireJobs.Jobs;

namespace AspireJobs.Worker;

/// <summary>Every log message of the worker. Names of events and parameters are the fields of the log contract (docs/telemetry.md).</summary>
internal static partial class Log
{
    [LoggerMessage(LogLevel.Information, "job {job_id} ({source_type}) started on {worker_id} after {queue_wait_seconds} s in the queue", EventName = "job_started")]
    public static partial void JobStarted(this ILogger logger, JobId job_id, string source_type, string worker_id, double queue_wait_seconds);

    [LoggerMessage(LogLevel.Information, "job {job_id} ({source_type}) submitted by schedule {schedule} of {api_key_name}", EventName = "job_submitted")]
    public static partial void JobSubmitted(this ILogger logger, JobId job_id, string source_type, string api_key_name, string schedule);

    [LoggerMessage(LogLevel.Information, "schedule {schedule} did not fire at {due_at}: its job {job_id} is not final", EventName = "schedule_skipped")]
    public static partial void ScheduleSkipped(this ILogger logger, string schedule, DateTimeOffset due_at, JobId job_id);

    [LoggerMessage(LogLevel.Error, "schedule {schedule} is due and cannot be fired; it is tried again until it can, or is too late", EventName = "schedule_fault")]
    public static partial void ScheduleFault(this ILogger logger, Exception exception, string schedule);

    [LoggerMessage(LogLevel.Warning, "schedule {schedule} missed {missed} times up to {due_at}", EventName = "schedule_missed")]
    public static partial void ScheduleMissed(this ILogger logger, string schedule, DateTimeOffset due_at, int missed);

    [LoggerMessage(LogLevel.Information, "job {job_id} ended as {status} after {duration_seconds} s (outcome {outcome}, worker {worker_id}, exit code {exit_code})", EventName = "job_completed")]
    public static partial void JobCompleted(this ILogger logger, JobId job_id, string status, double duration_seconds, string outcome, string? worker_id, int? exit_code);

    [LoggerMessage(LogLevel.Error, "job {job_id} failed: {error_type}: {error_message} (retry {retry_count}, {worker_id})", EventName = "job_failed")]
    public static partial void JobFailed(this ILogger logger, JobId job_id, string error_type, string error_message, int retry_count, string? worker_id);

    [LoggerMessage(LogLevel.Warning, "attempt {attempt} at job {job_id} ended with {error_type}: {error_message}; it is tried again ({worker_id})", EventName = "job_retried")]
    public static partial void JobRetried(this ILogger logger, JobId job_id, int attempt, string error_type, string error_message, string? worker_id);

    [LoggerMessage(LogLevel.Information, "credential {credential_name} opened for job {job_id} on {worker_id}", EventName = "credential_accessed")]
    public static partial void CredentialAccessed(this ILogger logger, string credential_name, JobId job_id, string worker_id);

    [LoggerMessage(LogLevel.Information, "worker {worker_id} takes up to {slots} jobs at once and works in {directory}", EventName = "worker_started")]
    public static partial void WorkerStarted(this ILogger logger, string worker_id, int slots, string directory);

    [LoggerMessage(LogLevel.Information, "worker {worker_id} takes no more jobs; {running} are running", EventName = "worker_draining")]
    public static partial void WorkerDraining(this ILogger logger, string worker_id, int running);

    [LoggerMessage(LogLevel.Information, "worker {worker_id} takes jobs again", EventName = "worker_resumed")]
    public static partial void WorkerResumed(this ILogger logger, string worker_id);

    [LoggerMessage(LogLevel.Information, "worker {worker_id} leads from here on", EventName = "leader_elected")]
    public static partial void LeaderElected(this ILogger logger, string worker_id);

    [LoggerMessage(LogLevel.Warning, "worker {worker_id} leads no longer", EventName = "leader_deposed")]
    public static partial void LeaderDeposed(this ILogger logger, string worker_id);

    [LoggerMessage(LogLevel.Information, "worker {worker_id} has left", EventName = "worker_stopped")]
    public static partial void WorkerStopped(this ILogger logger, string worker_id);

    [LoggerMessage(LogLevel.Information, "job {job_id} is stopped: {reason}", EventName = "job_stopping")]
    public static partial void JobStopping(this ILogger logger, JobId job_id, string reason);

    [LoggerMessage(LogLevel.Warning, "attempt {attempt} at job {job_id} is no longer held by {worker_id}; its result is not stored", EventName = "job_lease_lost")]
    public static partial void LeaseLost(this ILogger logger, JobId job_id, int attempt, string worker_id);

    [LoggerMessage(LogLevel.Error, "job {job_id} met a fault of the worker", EventName = "job_fault")]
    public static partial void JobFault(this ILogger logger, Exception exception, JobId job_id);

    [LoggerMessage(LogLevel.Error, "output of job {job_id} cannot be stored", EventName = "job_output_refused")]
    public static partial void OutputRefused(this ILogger logger, Exception exception, JobId job_id);

    [LoggerMessage(LogLevel.Warning, "{activity} does not work and is tried again until it does: {error}", EventName = "outage_began")]
    public static partial void OutageBegan(this ILogger logger, string activity, string error);

    [LoggerMessage(LogLevel.Information, "{activity} works again after {seconds} s", EventName = "outage_ended")]
    public static partial void OutageEnded(this ILogger logger, string activity, double seconds);

    [LoggerMessage(LogLevel.Information, "removed {jobs} jobs whose time was over", EventName = "jobs_removed")]
    public static partial void JobsRemoved(this ILogger logger, int jobs);

    [LoggerMessage(LogLevel.Information, "dropped the events and logs of {day}", EventName = "job_day_dropped")]
    public static partial void DayDropped(this ILogger logger, string day);

    [LoggerMessage(LogLevel.Information, "removed {directory}, left over from a worker that died", EventName = "leftover_removed")]
    public static partial void LeftoverRemoved(this ILogger logger, string directory);

    [LoggerMessage(LogLevel.Warning, "cannot remove {directory}: {error}", EventName = "removal_failed")]
    public static partial void RemovalFailed(this ILogger logger, string directory, string error);

    [LoggerMessage(LogLevel.Warning, "the end of {jobs} jobs could not be stored in time: they are settled as lost when their leases end", EventName = "jobs_left")]
    public static partial void JobsLeft(this ILogger logger, int jobs);
}
