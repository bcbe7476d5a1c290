using Microsoft.Extensions.DependencyInjection;

namespace LocalAspire;

static class OrchestrationServices
{
    public static void AddPublishing(this IServiceCollection services) => services.AddSingleton<ManifestPublisher>();

    public static void AddOrchestration(this IServiceCollection services)
    {
        services.AddSingleton<StartFailure>();
        services.AddSingleton<HealthHttpClient>();
        services.AddSingleton<ServerDirectories>();
        services.AddSingleton<ContainerEngines>();
        services.AddSingleton<ContainerPlanner>();
        services.AddSingleton<LaunchPlanner>();
        services.AddSingleton<EndpointAllocator>();
        services.AddSingleton<HealthMonitor>();
        services.AddSingleton<OutputSink>();
        services.AddSingleton<ProcessStarter>();
        services.AddSingleton<ResourceLifecycle>();
        services.AddHostedService<Orchestrator>();
    }
}
