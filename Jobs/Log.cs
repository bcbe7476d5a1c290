using Microsoft.Extensions.Logging;

namespace AspireJobs.Jobs;

static partial class Log
{
    [LoggerMessage(LogLevel.Warning, "Job {job_id} is stored but could not be put into the queue; the workers will find it", EventName = "enqueue_failed")]
    public static partial void EnqueueFailed(this ILogger logger, Exception exception, JobId job_id);

    [LoggerMessage(LogLevel.Error, "Job {job_id} is passed over, as its row cannot be read: a later version may have written it", EventName = "job_unreadable")]
    public static partial void JobUnreadable(this ILogger logger, Exception exception, JobId job_id);
}
