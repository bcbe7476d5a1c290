namespace OpenTelemetry.Metrics;

/// <summary>Metrics of the .NET runtime.</summary>
public static class MeterProviderBuilderExtensions
{
    /// <summary>Collects the runtime's own meter: garbage collector, thread pool, JIT, exceptions, processor time and memory.</summary>
    public static MeterProviderBuilder AddRuntimeInstrumentation(this MeterProviderBuilder builder) =>
        builder.AddMeter("System.Runtime");
}
