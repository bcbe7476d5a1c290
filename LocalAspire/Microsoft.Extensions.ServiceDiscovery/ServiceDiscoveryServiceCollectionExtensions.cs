using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.ServiceDiscovery;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registration of service discovery.</summary>
public static class ServiceDiscoveryServiceCollectionExtensions
{
    /// <summary>
    /// Adds service discovery from configuration section <c>Services:{service name}</c>, with pass-through: a name that is not
    /// configured is left to DNS.
    /// </summary>
    public static IServiceCollection AddServiceDiscovery(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions();
        services.TryAddSingleton<ServiceEndpoints>();
        return services;
    }

    /// <summary>Adds service discovery with the given options.</summary>
    public static IServiceCollection AddServiceDiscovery(this IServiceCollection services, Action<ServiceDiscoveryOptions> configureOptions)
    {
        services.Configure(configureOptions);
        return services.AddServiceDiscovery();
    }
}
