namespace OpenTelemetry.Metrics;

/// <summary>Metrics of incoming HTTP requests.</summary>
public static class AspNetCoreInstrumentationMeterProviderBuilderExtensions
{
    /// <summary>Collects ASP.NET Core's own meters: requests, connections, routing, exceptions, rate limits, authentication.</summary>
    public static MeterProviderBuilder AddAspNetCoreInstrumentation(this MeterProviderBuilder builder) =>
        builder.AddMeter(
            "Microsoft.AspNetCore.Hosting",
            "Microsoft.AspNetCore.Server.Kestrel",
            "Microsoft.AspNetCore.Http.Connections",
            "Microsoft.AspNetCore.Routing",
            "Microsoft.AspNetCore.Diagnostics",
            "Microsoft.AspNetCore.RateLimiting",
            "Microsoft.AspNetCore.Authentication",
            "Microsoft.AspNetCore.Authorization",
            "Microsoft.AspNetCore.MemoryPool");
}
