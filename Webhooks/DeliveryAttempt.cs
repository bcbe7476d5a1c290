using System.Diagnostics;
using System.Globalization;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;
using AspireJobs.Jobs.Webhooks;
using Microsoft.Extensions.Options;

namespace AspireJobs.Webhooks;

/// <summary>One attempt at one delivery: send, tell, record, in this order. A crash in between leaves it to be sent again under the same id.</summary>
sealed class DeliveryAttempt(
    DeliveryStore store, WebhookSender sender, RetrySchedule schedule, MasterKey masterKey, IOptions<WebhooksOptions> options, TimeProvider time,
    ILogger<DeliveryAttempt> logger)
{
    public const string AttemptTag = "webhook.attempt";

    const int Gone = 410;

    public async Task RunAsync(DueDelivery delivery, CancellationToken cancellationToken)
    {
        using var span = StartSpan(delivery);
        if (!Uri.TryCreate(delivery.Job.Request.CallbackUrl, UriKind.Absolute, out var url)
            || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps) || url.UserInfo != "")
        {
            await FailedAsync(delivery, "", new(null, "callback_url is not an http or https URL without user name"), null, span, cancellationToken);
            return;
        }
        var started = time.GetTimestamp();
        var result = await sender.PostAsync(
            url, delivery.WebhookId, WebhookBody.Of(delivery.Job), WebhookSecret.Bytes(masterKey, delivery.ApiKeyId), cancellationToken);
        JobsTelemetry.StageEnded("send_webhook", time.GetElapsedTime(started));
        if (result.Error is null)
            await SentAsync(delivery, options.Value.Loggable(url), result.StatusCode!.Value, time.GetElapsedTime(started), cancellationToken);
        else
            await FailedAsync(delivery, options.Value.Loggable(url), result,
                result.StatusCode == Gone ? null : schedule.After(delivery.Attempt, result.RetryAfter), span, cancellationToken);
    }

    async Task SentAsync(DueDelivery delivery, string url, int statusCode, TimeSpan duration, CancellationToken cancellationToken)
    {
        JobsTelemetry.WebhookAttempted(success: true);
        var seconds = Math.Round(duration.TotalSeconds, 3);
        Log.WebhookSent(logger, delivery.Job.Id, url, statusCode, delivery.Attempt, seconds);
        if (await store.DeliveredAsync(delivery, statusCode, cancellationToken))
            JobsTelemetry.WebhookSettled(delivered: true);
    }

    async Task FailedAsync(DueDelivery delivery, string url, SendResult result, TimeSpan? next, Activity? span, CancellationToken cancellationToken)
    {
        span?.SetStatus(ActivityStatusCode.Error, result.Error).SetTag("error.type", result.StatusCode?.ToString(CultureInfo.InvariantCulture) ?? "_OTHER");
        JobsTelemetry.WebhookAttempted(success: false);
        Log.WebhookFailed(logger, delivery.Job.Id, url, result.Error!, result.StatusCode, delivery.Attempt, next is { } seconds ? Math.Round(seconds.TotalSeconds) : null);
        if (next is { } wait)
            await store.RetryAsync(delivery, result.StatusCode, result.Explanation, wait, cancellationToken);
        else if (await store.GiveUpAsync(delivery, result.StatusCode, result.Explanation, cancellationToken))
            JobsTelemetry.WebhookSettled(delivered: false);
    }

    static Activity? StartSpan(DueDelivery delivery)
    {
        // Without the trace state, which is not for receivers. A context that cannot be read starts a trace of its own.
        ActivityContext.TryParse(delivery.TraceParent, null, isRemote: true, out var parent);
        return JobsTelemetry.Source.StartActivity("send_webhook", ActivityKind.Internal, parent)?
            .SetTag("job.id", delivery.Job.Id.ToString())
            .SetTag("webhook.id", delivery.WebhookId)
            .SetTag(AttemptTag, delivery.Attempt);
    }
}
