using System.Diagnostics;
using AspireJobs.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Microsoft.Extensions.Hosting;

/// <summary>What every service of this solution has in common: logs, metrics, traces, health and service discovery.</summary>
public static class Extensions
{
    const string HealthPath = "/health";
    const string AlivePath = "/alive";
    const string MetricsPath = "/metrics";

    /// <summary>
    /// Adds JSON logs, OpenTelemetry, health checks and service discovery. To be called first on a new builder, so that nothing is logged before; only
    /// processors of spans that are to come before the exporter's are added before. Activity sources and meters whose names begin with
    /// <c>AspireJobs</c> are collected without further registration.
    /// </summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        builder.AddDefaultSettings();
        builder.AddJsonLogs();
        builder.ConfigureOpenTelemetry();
        builder.AddDefaultHealthChecks();

        builder.Services.AddHostedService<CountersAtZero>();
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http => http.AddServiceDiscovery());
        return builder;
    }

    /// <summary>
    /// Adds traces and metrics, the latter on <c>/metrics</c>; with <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> set all three signals are also exported, with
    /// that of one signal this one. The other <c>OTEL_*</c> variables mean what they mean to the .NET SDK, which knows most of the standard ones.
    /// </summary>
    public static TBuilder ConfigureOpenTelemetry<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        var identity = ServiceIdentity.Of(builder);
        // For requests out, and for requests in: the host has registered the former value already.
        DistributedContextPropagator.Current = new TraceContextPropagator();
        builder.Services.Replace(ServiceDescriptor.Singleton(DistributedContextPropagator.Current));
        // Tracing is on without any exporter too: log lines and outgoing requests carry the trace id only if somebody listens.
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(identity.Describe)
            .WithTracing(tracing => tracing
                .AddSource(builder.Environment.ApplicationName, "AspireJobs*")
                .AddProcessor(new UnaskedQueries())
                .AddAspNetCoreInstrumentation(options =>
                {
                    options.Filter = context => !IsProbe(context.Request.Path);
                    options.RecordException = true;
                })
                .AddHttpClientInstrumentation())
            .WithMetrics(metrics => metrics
                .AddMeter(builder.Environment.ApplicationName, "AspireJobs*")
                // How the SDK itself does: what it exported, what it dropped.
                .AddMeter("otel.sdk.experimental")
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .RenameCounts()
                .DropParts()
                .BoundLabels()
                .AddPrometheusExporter(options => options.ScopeInfoEnabled = false));

        OtlpExport.Add(builder, telemetry);
        return builder;
    }

    /// <summary>Adds a check tagged <c>live</c>, which says that the process answers at all.</summary>
    public static TBuilder AddDefaultHealthChecks<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), ["live"]);
        builder.Services.Configure<ResponseCompressionOptions>(options =>
        {
            options.MimeTypes = ["text/plain", "application/openmetrics-text"];
            // Of the metrics alone, in which there is no secret that their length could tell.
            options.EnableForHttps = true;
        });
        builder.Services.AddResponseCompression();
        return builder;
    }

    /// <summary>
    /// Maps <c>/health</c> (every check: ready for work; names those that fail), <c>/alive</c> (the process answers) and <c>/metrics</c>, in every environment, as
    /// orchestrators and Prometheus need them in production. None of the three is traced, measured or behind authorization. With
    /// <c>OTEL_SDK_DISABLED=true</c> there is no <c>/metrics</c>.
    /// </summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        List<IEndpointConventionBuilder> endpoints =
        [
            app.MapHealthChecks(HealthPath, new HealthCheckOptions { ResponseWriter = WriteHealthAsync }),
            app.MapHealthChecks(AlivePath, new HealthCheckOptions { Predicate = check => check.Tags.Contains("live") }),
        ];
        // A disabled SDK has no exporter to map.
        if (!string.Equals(app.Configuration["OTEL_SDK_DISABLED"], "true", StringComparison.OrdinalIgnoreCase))
            endpoints.Add(app.MapPrometheusScrapingEndpoint(MetricsPath, meterProvider: null, pipeline => pipeline.UseResponseCompression(), optionsName: null));
        foreach (var endpoint in endpoints)
            endpoint.DisableHttpMetrics().AllowAnonymous().Add(Untraced);

        return app;
    }

    // Why it is not healthy, but not what an exception says, which may name hosts and users: that is for the log.
    static Task WriteHealthAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "text/plain";
        return context.Response.WriteAsync(string.Join('\n', [
            report.Status.ToString(),
            .. report.Entries.Where(check => check.Value.Status != HealthStatus.Healthy)
                .Select(check => check.Value.Exception is null ? $"{check.Key}: {check.Value.Description}" : check.Key),
        ]));
    }

    // The filter of ConfigureOpenTelemetry drops the server span; this drops the spans of the checks' own queries, which a sampler that
    // ignores parents would keep as traces of their own.
    static void Untraced(EndpointBuilder endpoint)
    {
        if (endpoint.RequestDelegate is not { } handle)
            return;
        endpoint.RequestDelegate = async context =>
        {
            using var untraced = SuppressInstrumentationScope.Begin();
            await handle(context);
        };
    }

    static bool IsProbe(PathString path) => path.StartsWithSegments(HealthPath) || path.StartsWithSegments(AlivePath) || path.StartsWithSegments(MetricsPath);

    // The suffix _count belongs to histograms: promtool refuses it elsewhere.
    static MeterProviderBuilder RenameCounts(this MeterProviderBuilder metrics) => metrics
        .AddView("dotnet.assembly.count", "dotnet.assemblies")
        .AddView("dotnet.process.cpu.count", "dotnet.process.cpus")
        .AddView("dotnet.timer.count", "dotnet.timers")
        .AddView("db.client.connection.count", "db.client.connections");

    // The duration of the request, by route and status, says what the first say; they cost several measurements each. The last two come as counters
    // and go down; LogTelemetry has them as they are.
    static MeterProviderBuilder DropParts(this MeterProviderBuilder metrics) => metrics
        .AddView("aspnetcore.memory_pool.*", MetricStreamConfiguration.Drop)
        .AddView("aspnetcore.routing.*", MetricStreamConfiguration.Drop)
        .AddView("aspnetcore.authentication.*", MetricStreamConfiguration.Drop)
        .AddView("aspnetcore.authorization.*", MetricStreamConfiguration.Drop)
        .AddView("dotnet.thread_pool.thread.count", MetricStreamConfiguration.Drop)
        .AddView("dotnet.thread_pool.queue.length", MetricStreamConfiguration.Drop);

    // Without the addresses: callers decide where callbacks go, and so would decide how many series there are.
    static MeterProviderBuilder BoundLabels(this MeterProviderBuilder metrics) => metrics
        .AddView("http.client.*", new MetricStreamConfiguration
        {
            TagKeys = ["http.request.method", "http.response.status_code", "error.type", "network.protocol.version", "url.scheme", "http.connection.state"],
        })
        .AddView("dns.lookup.*", new MetricStreamConfiguration { TagKeys = ["error.type"] });

    // Below every other source of configuration, so that all of it can be overridden.
    static void AddDefaultSettings(this IHostApplicationBuilder builder) =>
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = new Dictionary<string, string?>
            {
                // At Information they write request lines with their query strings, and SQL.
                ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
                ["Logging:LogLevel:System.Net.Http"] = "Warning",
                ["Logging:LogLevel:Npgsql"] = "Warning",
                ["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based",
                // At full load the SDK's own 2,048 are filled in a fifteenth of a second while a collector takes its time, and what comes then is lost.
                ["OTEL_BSP_MAX_QUEUE_SIZE"] = "16384",
                ["OTEL_BLRP_MAX_QUEUE_SIZE"] = "16384",
                // Shutdown waits for a collector that does not answer, once for each signal.
                ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "2000",
            },
        });

    // With the host, when whoever counts is listening.
    sealed class CountersAtZero : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            LogTelemetry.StartAtZero();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
