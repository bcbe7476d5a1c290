using OpenTelemetry.Trace;

namespace AspireJobs.Webhooks;

static class WebhooksExtensions
{
    /// <summary>
    /// Completes the spans of callbacks. To be called before <c>AddServiceDefaults</c>: processors see a span in the order of their registration, and
    /// the exporter's would take it with the path that it is not to show.
    /// </summary>
    public static IHostApplicationBuilder AddRequestSpans(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<RequestSpans>();
        builder.Services.ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddProcessor<RequestSpans>());
        return builder;
    }

    /// <summary>Adds the sender of callbacks and the loop that drives it.</summary>
    public static IHostApplicationBuilder AddWebhooks(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<WebhooksOptions>().BindConfiguration(WebhooksOptions.Section)
            .Validate(options => options.Concurrency is >= 1 and <= 256, $"{WebhooksOptions.Section}:Concurrency must be 1 to 256.")
            .Validate(options => options.TimeoutSeconds is >= 1 and <= 60, $"{WebhooksOptions.Section}:TimeoutSeconds must be 1 to 60.")
            .Validate(options => options.AllowedNetworks.All(WebhooksOptions.IsNetwork),
                $"{WebhooksOptions.Section}:AllowedNetworks must list networks such as 10.1.0.0/16 or fd00::/8.")
            .ValidateOnStart();
        services.AddSingleton(Random.Shared);
        services.AddSingleton<RetrySchedule>();
        services.AddSingleton<TargetAddressGuard>();
        services.AddSingleton<WebhookSender>();
        services.AddSingleton<DeliveryAttempt>();
        services.AddHostedService<DeliveryLoop>();
        return builder;
    }
}
