using AspireJobs.Jobs;

// Not every field of an event has to be in its message.
#pragma warning disable SYSLIB1015

namespace AspireJobs.Webhooks;

/// <summary>Every log event of the sender. Parameter names are the fields of the log contract.</summary>
static partial class Log
{
    [LoggerMessage(EventName = "webhook_sent", Level = LogLevel.Information,
        Message = "Callback of {job_id} delivered to {callback_url}")]
    public static partial void WebhookSent(ILogger logger, JobId job_id, string callback_url, int status_code, int attempt, double duration_seconds);

    [LoggerMessage(EventName = "webhook_failed", Level = LogLevel.Warning,
        Message = "Callback of {job_id} to {callback_url} failed: {error}")]
    public static partial void WebhookFailed(
        ILogger logger, JobId job_id, string callback_url, string error, int? status_code, int attempt, double? next_attempt_seconds);

    [LoggerMessage(EventName = "webhook_deliveries_stalled", Level = LogLevel.Error, Message = "Callbacks cannot be claimed or recorded; trying on")]
    public static partial void DeliveriesStalled(ILogger logger, Exception exception);

    [LoggerMessage(EventName = "webhook_deliveries_resumed", Level = LogLevel.Information, Message = "Callbacks can be claimed and recorded again")]
    public static partial void DeliveriesResumed(ILogger logger);
}
