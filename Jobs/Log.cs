using Microsoft.Extensions.Logging;

namespace AspireJobs.Jobs;

static partial class Log
{
    [LoggerMessage(LogLevel.Warning, "Job {job_id} is stored but could not be put into the queue; the workers will find it", EventName = "enqueue_failed")]
    public static partial void EnqueueFailed(this ILogger logger, Exception exception, JobId job_id);
}
