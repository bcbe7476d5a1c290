using AspireJobs.Jobs;

namespace AspireJobs.Api;

static partial class Log
{
    [LoggerMessage(LogLevel.Information, "Job {job_id} ({source_type}) submitted by {api_key_name}", EventName = "job_submitted")]
    public static partial void JobSubmitted(this ILogger logger, JobId job_id, string source_type, string api_key_name);

    [LoggerMessage(LogLevel.Information, "Job {job_id} ended as {status} before it started, after {duration_seconds} s of work", EventName = "job_completed")]
    public static partial void JobCompleted(this ILogger logger, JobId job_id, string status, double duration_seconds);

    [LoggerMessage(LogLevel.Debug, "{method} {endpoint} answered with {status_code} after {duration_seconds} s", EventName = "http_request")]
    public static partial void HttpRequest(this ILogger logger, string method, string endpoint, int status_code, double duration_seconds);

    [LoggerMessage(LogLevel.Warning, "The job store cannot be read for the gauges", EventName = "stats_unavailable")]
    public static partial void StatsUnavailable(this ILogger logger, Exception exception);
}
