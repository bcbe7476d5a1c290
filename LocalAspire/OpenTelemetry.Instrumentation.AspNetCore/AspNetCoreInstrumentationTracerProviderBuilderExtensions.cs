using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenTelemetry.Instrumentation.AspNetCore;

namespace OpenTelemetry.Trace;

/// <summary>Spans of incoming HTTP requests.</summary>
public static class AspNetCoreInstrumentationTracerProviderBuilderExtensions
{
    /// <summary>Collects a server span for every incoming request, after the HTTP semantic conventions.</summary>
    public static TracerProviderBuilder AddAspNetCoreInstrumentation(this TracerProviderBuilder builder) =>
        builder.AddAspNetCoreInstrumentation(name: null, configureAspNetCoreTraceInstrumentationOptions: null);

    /// <summary>Collects server spans with the given options.</summary>
    public static TracerProviderBuilder AddAspNetCoreInstrumentation(
        this TracerProviderBuilder builder,
        Action<AspNetCoreTraceInstrumentationOptions>? configureAspNetCoreTraceInstrumentationOptions) =>
        builder.AddAspNetCoreInstrumentation(name: null, configureAspNetCoreTraceInstrumentationOptions);

    /// <summary>Collects server spans with the given options, kept under <paramref name="name"/>.</summary>
    public static TracerProviderBuilder AddAspNetCoreInstrumentation(
        this TracerProviderBuilder builder,
        string? name,
        Action<AspNetCoreTraceInstrumentationOptions>? configureAspNetCoreTraceInstrumentationOptions)
    {
        ArgumentNullException.ThrowIfNull(builder);
        name ??= Options.DefaultName;

        // Without it .NET 10 creates the span but leaves method, path and server address out.
        AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);

        if (configureAspNetCoreTraceInstrumentationOptions is not null)
            builder.ConfigureServices(s => s.Configure(name, configureAspNetCoreTraceInstrumentationOptions));

        return builder
            .AddSource("Microsoft.AspNetCore")
            .AddInstrumentation(services => new ServerSpanEnricher(
                // The host's own listener, not the process-wide list: several hosts in one process stay apart. Absent outside web hosts.
                services.GetService<DiagnosticListener>(),
                services.GetRequiredService<IOptionsMonitor<AspNetCoreTraceInstrumentationOptions>>().Get(name)));
    }
}
