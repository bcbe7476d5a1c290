using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using OpenTelemetry.Exporter;
using OpenTelemetry.Exporter.Prometheus;

namespace OpenTelemetry.Metrics;

/// <summary>Registration of the Prometheus exporter.</summary>
public static class PrometheusExporterMeterProviderBuilderExtensions
{
    /// <summary>Adds the exporter; the endpoint is mapped with <c>MapPrometheusScrapingEndpoint</c>.</summary>
    public static MeterProviderBuilder AddPrometheusExporter(this MeterProviderBuilder builder) =>
        builder.AddPrometheusExporter(name: null, configure: null);

    /// <summary>Adds the exporter with the given options.</summary>
    public static MeterProviderBuilder AddPrometheusExporter(
        this MeterProviderBuilder builder, Action<PrometheusAspNetCoreOptions> configure) =>
        builder.AddPrometheusExporter(name: null, configure);

    /// <summary>Adds the exporter with the given options, kept under <paramref name="name"/>.</summary>
    public static MeterProviderBuilder AddPrometheusExporter(
        this MeterProviderBuilder builder, string? name, Action<PrometheusAspNetCoreOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        name ??= Options.DefaultName;

        if (configure is not null)
            builder.ConfigureServices(services => services.Configure(name, configure));

        builder.ConfigureServices(services => services.TryAddKeyedSingleton(name, (provider, _) =>
            new PrometheusExporter(provider.GetRequiredService<IOptionsMonitor<PrometheusAspNetCoreOptions>>().Get(name))));

        return builder.AddReader(services => new BaseExportingMetricReader(services.GetRequiredKeyedService<PrometheusExporter>(name))
        {
            TemporalityPreference = MetricReaderTemporalityPreference.Cumulative,
        });
    }
}
