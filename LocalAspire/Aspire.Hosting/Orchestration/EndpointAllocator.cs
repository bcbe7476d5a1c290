using System.Collections.Concurrent;
using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace LocalAspire;

/// <summary>Gives every endpoint its public address, before anything starts.</summary>
sealed class EndpointAllocator(IConfiguration configuration, ContainerEngines engines, TimeProvider clock) : IAsyncDisposable
{
    static readonly TimeSpan ProxyPatience = TimeSpan.FromSeconds(2);
    // A server that lost its AppHost needs its grace to end.
    static readonly TimeSpan ServerPatience = TimeSpan.FromSeconds(10);

    readonly ConcurrentDictionary<EndpointAnnotation, EndpointProxy> _proxies = new();
    readonly ConcurrentBag<int> _picked = [];

    bool RandomizePorts => configuration.GetValue("DcpPublisher:RandomizePorts", false);

    public async Task AllocateAsync(IEnumerable<IResource> resources, CancellationToken cancellationToken)
    {
        var engine = resources.Any(resource => resource is ContainerResource) ? await engines.GetAsync(cancellationToken) : null;
        await Task.WhenAll(
            from resource in resources
            from endpoint in resource.Annotations.OfType<EndpointAnnotation>().ToArray()
            select AllocateAsync(resource, endpoint, engine, cancellationToken));
    }

    /// <summary>Gives one process of the resource the ports that it will listen on.</summary>
    public void Prepare(ResourceInstance instance)
    {
        foreach (var endpoint in instance.Resource.Annotations.OfType<EndpointAnnotation>())
            instance.SetTargetPort(endpoint, endpoint.IsProxied && _proxies.ContainsKey(endpoint) ? endpoint.TargetPort ?? Pick() : PublicPort(endpoint));
    }

    /// <summary>A container listens on the port that its image says.</summary>
    public static void PrepareContainer(ResourceInstance instance)
    {
        foreach (var endpoint in instance.Resource.Annotations.OfType<EndpointAnnotation>())
        {
            instance.SetTargetPort(endpoint, endpoint.TargetPort!.Value);
            Publish(endpoint, PublicPort(endpoint), endpoint.TargetPort.Value.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Tells containers that they find the resource where they find all processes of this machine.</summary>
    public void PublishAsOfThisMachine(IResource resource, ContainerEngine engine)
    {
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
            PublishToContainers(endpoint, engine.HostName, PublicPort(endpoint));
    }

    /// <summary>Where everybody on this machine reaches an endpoint that has been allocated.</summary>
    public static int PublicPort(EndpointAnnotation endpoint) => endpoint.AllocationIn(KnownNetworkIdentifiers.LocalhostNetwork)!.Port;

    public void Open(ResourceInstance instance) => ForEachTarget(instance, (proxy, target) => proxy.Add(target));

    public void Close(ResourceInstance instance) => ForEachTarget(instance, (proxy, target) => proxy.Remove(target));

    public async ValueTask DisposeAsync()
    {
        foreach (var endpoint in _proxies.Keys)
        {
            if (_proxies.TryRemove(endpoint, out var proxy))
                await proxy.DisposeAsync();
        }
        while (_picked.TryTake(out var port))
            Ports.Return(port);
    }

    public static void Validate(IResource resource, EndpointAnnotation endpoint)
    {
        endpoint.SettleProxy(!resource.TryGetLastAnnotation<ProxySupportAnnotation>(out var support) || support.ProxyEnabled);
        var (name, replicas) = ($"'{endpoint.Name}' of the resource '{resource.Name}'", resource.GetReplicaCount());
        var fault = endpoint switch
        {
            { IsProxied: true, Port: { } port, TargetPort: { } target } when port == target && resource is not ContainerResource =>
                $"The endpoint {name} has the same port and target port {port}. Leave one out, or switch the proxy off with isProxied: false.",
            { IsProxied: false, Port: { } port, TargetPort: { } target } when port != target =>
                $"The endpoint {name} has no proxy, so its port {port} and its target port {target} must be the same.",
            { IsProxied: false } when replicas > 1 => $"The endpoint {name} needs a proxy, because the resource has {replicas} replicas.",
            { TargetPort: null } when resource is ContainerResource =>
                $"The endpoint {name} needs a target port, because nothing else tells on which port the container listens.",
            { TargetPort: not null } when replicas > 1 => $"The endpoint {name} cannot have a fixed target port, because the resource has {replicas} replicas.",
            _ => null,
        };
        if (fault is not null)
            throw new DistributedApplicationException(fault);
    }

    async Task AllocateAsync(IResource resource, EndpointAnnotation endpoint, ContainerEngine? engine, CancellationToken cancellationToken)
    {
        if (endpoint.IsProxied && resource is not ContainerResource)
            await AllocateProxyAsync(resource, endpoint, cancellationToken);
        else
            await AllocateDirectAsync(resource, endpoint, engine is not null && ContainerPlanner.IsLasting(resource), cancellationToken);
        if (engine is not null)
        {
            var (host, port) = resource is ContainerResource ? (ContainerPlanner.NameInNetwork(resource), endpoint.TargetPort!.Value) : (engine.HostName, PublicPort(endpoint));
            PublishToContainers(endpoint, host, port);
        }
        endpoint.AllAllocatedEndpoints.Complete(network => new DistributedApplicationException(
            $"The endpoint '{endpoint.Name}' of the resource '{resource.Name}' has no address in the network '{network.Value}': "
            + $"it has one in '{KnownNetworkIdentifiers.LocalhostNetwork.Value}'{(engine is null ? ", because no container engine answers" : $" and in '{KnownNetworkIdentifiers.DefaultAspireContainerNetwork.Value}'")}."));
    }

    static void PublishToContainers(EndpointAnnotation endpoint, string host, int port) => endpoint.AllAllocatedEndpoints.AddOrUpdateAllocatedEndpoint(
        KnownNetworkIdentifiers.DefaultAspireContainerNetwork,
        new(endpoint, host, port, EndpointBindingMode.SingleAddress, networkId: KnownNetworkIdentifiers.DefaultAspireContainerNetwork));

    static void Publish(EndpointAnnotation endpoint, int port, string? targetPort) => endpoint.AllAllocatedEndpoints.AddOrUpdateAllocatedEndpoint(
        KnownNetworkIdentifiers.LocalhostNetwork, new(endpoint, KnownHostNames.Localhost, port, targetPort));

    async Task AllocateProxyAsync(IResource resource, EndpointAnnotation endpoint, CancellationToken cancellationToken)
    {
        var port = RandomizePorts ? 0 : endpoint.Port ?? 0;
        var proxy = await Ports.WhenFreeAsync(
            resource, endpoint, port, ProxyPatience, () => EndpointProxy.Listen(endpoint.TargetHost, port), clock, cancellationToken);
        _proxies[endpoint] = proxy;
        Publish(endpoint, proxy.Port, endpoint.TargetPort?.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>The process listens on the public port itself. So do native servers: a proxy would cost every command of a store.</summary>
    async Task AllocateDirectAsync(IResource resource, EndpointAnnotation endpoint, bool isLasting, CancellationToken cancellationToken)
    {
        if (isLasting)
        {
            // The same in every run, and held by the container of an earlier one.
            var stable = endpoint.Port ?? Ports.Stable($"{configuration["AppHost:Sha256"]}/{resource.Name}/{endpoint.Name}");
            Publish(endpoint, stable, stable.ToString(CultureInfo.InvariantCulture));
            return;
        }
        var wanted = RandomizePorts && endpoint.IsProxied ? null : endpoint.Port;
        var port = wanted is { } given
            ? await Ports.WhenFreeAsync(resource, endpoint, given, ServerPatience, () => Ports.Check(given), clock, cancellationToken)
            : Pick();
        Publish(endpoint, port, port.ToString(CultureInfo.InvariantCulture));
    }

    int Pick()
    {
        var port = Ports.Pick();
        _picked.Add(port);
        return port;
    }

    void ForEachTarget(ResourceInstance instance, Action<EndpointProxy, System.Net.IPEndPoint> action)
    {
        foreach (var endpoint in instance.Resource.Annotations.OfType<EndpointAnnotation>())
        {
            if (_proxies.TryGetValue(endpoint, out var proxy) && instance.TargetPort(endpoint) is { } port)
                action(proxy, EndpointProxy.Target(endpoint.TargetHost, port));
        }
    }
}
