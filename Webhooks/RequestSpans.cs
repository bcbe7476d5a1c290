using System.Diagnostics;
using Microsoft.Extensions.Options;
using OpenTelemetry;

namespace AspireJobs.Webhooks;

/// <summary>Completes the spans that .NET makes for callbacks: which of a message's requests this is, and no more of its URL than logs may show.</summary>
sealed class RequestSpans(IOptions<WebhooksOptions> options) : BaseProcessor<Activity>
{
    public override void OnEnd(Activity data)
    {
        if (data.Source.Name != "System.Net.Http" || data.Parent?.GetTagItem(DeliveryAttempt.AttemptTag) is not int attempt)
            return;
        if (attempt > 1)
            data.SetTag("http.request.resend_count", attempt - 1);
        if (options.Value.HidePaths && data.GetTagItem("url.full") is string url)
            data.SetTag("url.full", options.Value.Loggable(new Uri(url)));
    }
}
