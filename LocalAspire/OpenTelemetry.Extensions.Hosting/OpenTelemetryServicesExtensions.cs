using Microsoft.Extensions.Hosting;
using OpenTelemetry;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registration of the OpenTelemetry SDK in a host.</summary>
public static class OpenTelemetryServicesExtensions
{
    /// <summary>
    /// Starts the registered telemetry providers with the host, before its other services, and disposes (so flushes) them with it.
    /// May be called more than once; all calls configure the same providers.
    /// </summary>
    public static OpenTelemetryBuilder AddOpenTelemetry(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);

        // At index 0, so that what other hosted services do at start is already measured and traced.
        if (!services.Any(d => d.ImplementationType == typeof(TelemetryHostedService)))
            services.Insert(0, ServiceDescriptor.Singleton<IHostedService, TelemetryHostedService>());

        return new OpenTelemetryBuilder(services);
    }
}
