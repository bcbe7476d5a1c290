using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenTelemetry.Exporter;
using OpenTelemetry.Exporter.Prometheus;
using OpenTelemetry.Metrics;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Mapping of the Prometheus scraping endpoint.</summary>
public static class PrometheusExporterEndpointRouteBuilderExtensions
{
    /// <summary>Maps the endpoint at the path of its options, <c>/metrics</c> by default.</summary>
    public static IEndpointConventionBuilder MapPrometheusScrapingEndpoint(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapPrometheusScrapingEndpoint(path: null, meterProvider: null, configureBranchedPipeline: null, optionsName: null);

    /// <summary>Maps the endpoint at <paramref name="path"/>.</summary>
    public static IEndpointConventionBuilder MapPrometheusScrapingEndpoint(this IEndpointRouteBuilder endpoints, string path) =>
        endpoints.MapPrometheusScrapingEndpoint(path, meterProvider: null, configureBranchedPipeline: null, optionsName: null);

    /// <summary>
    /// Maps the endpoint: GET and HEAD, Prometheus text 0.0.4 or OpenMetrics 1.0 as the Accept header prefers.
    /// </summary>
    /// <param name="endpoints">Where to map.</param>
    /// <param name="path">The path; null takes the one of the options.</param>
    /// <param name="meterProvider">The provider to scrape; null takes the registered one.</param>
    /// <param name="configureBranchedPipeline">Adds middleware in front, compression for one.</param>
    /// <param name="optionsName">The name under which the options were configured; null for the default.</param>
    /// <exception cref="InvalidOperationException">The provider has no Prometheus exporter.</exception>
    public static IEndpointConventionBuilder MapPrometheusScrapingEndpoint(
        this IEndpointRouteBuilder endpoints,
        string? path,
        MeterProvider? meterProvider,
        Action<IApplicationBuilder>? configureBranchedPipeline,
        string? optionsName)
    {
        ArgumentNullException.ThrowIfNull(endpoints);

        var services = endpoints.ServiceProvider;
        optionsName ??= Options.DefaultName;
        path ??= services.GetRequiredService<IOptionsMonitor<PrometheusAspNetCoreOptions>>().Get(optionsName).ScrapeEndpointPath ?? "/metrics";
        meterProvider ??= services.GetRequiredService<MeterProvider>();
        if (services.GetKeyedService<PrometheusExporter>(optionsName) is not { } exporter || exporter.ParentProvider != meterProvider)
            throw new InvalidOperationException("The meter provider has no Prometheus exporter: call AddPrometheusExporter on its builder.");

        var pipeline = endpoints.CreateApplicationBuilder();
        configureBranchedPipeline?.Invoke(pipeline);
        pipeline.Run(new ScrapeHandler(exporter).HandleAsync);

        return endpoints
            .MapMethods(path, [HttpMethods.Get, HttpMethods.Head], pipeline.Build())
            .WithDisplayName("Prometheus metrics");
    }
}
