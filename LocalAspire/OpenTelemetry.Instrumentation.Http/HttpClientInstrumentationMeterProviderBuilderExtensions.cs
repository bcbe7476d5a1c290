namespace OpenTelemetry.Metrics;

/// <summary>Metrics of outgoing HTTP requests.</summary>
public static class HttpClientInstrumentationMeterProviderBuilderExtensions
{
    /// <summary>Collects .NET's own meters of HTTP requests, connections and name lookups.</summary>
    public static MeterProviderBuilder AddHttpClientInstrumentation(this MeterProviderBuilder builder) =>
        builder.AddMeter("System.Net.Http", "System.Net.NameResolution");
}
