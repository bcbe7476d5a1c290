using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace LocalAspire;

/// <summary>Starts every resource of the application, follows it, and ends it.</summary>
sealed class Orchestrator : IHostedService, IAsyncDisposable
{
    readonly DistributedApplicationModel _model;
    readonly EndpointAllocator _endpoints;
    readonly ProcessStarter _starter;
    readonly HealthMonitor _health;
    readonly ResourceNotificationService _notifications;
    readonly ResourceLoggerService _logs;
    readonly IDistributedApplicationEventing _eventing;
    readonly StartFailure _failure;
    readonly IServiceProvider _services;
    readonly HealthCheckServiceOptions _checks;
    readonly CancellationTokenSource _stopping = new();
    readonly Lazy<Task> _stop;
    Task _starting = Task.CompletedTask;

    public Orchestrator(
        DistributedApplicationModel model,
        EndpointAllocator endpoints,
        ProcessStarter starter,
        HealthMonitor health,
        ResourceNotificationService notifications,
        ResourceLoggerService logs,
        IDistributedApplicationEventing eventing,
        StartFailure failure,
        IOptions<HealthCheckServiceOptions> checks,
        OutputSink sink,
        TimeProvider clock,
        IServiceProvider services)
    {
        (_model, _endpoints, _starter, _health, _notifications, _logs) = (model, endpoints, starter, health, notifications, logs);
        (_eventing, _failure, _services, _checks) = (eventing, failure, services, checks.Value);
        logs.Sink = sink.Write;
        starter.Running = OnRunningAsync;
        Clock = clock;
        _stop = new(StopAllAsync);
        eventing.Subscribe<BeforeResourceStartedEvent>((e, ct) => notifications.WaitForDependenciesAsync(e.Resource, ct));
    }

    TimeProvider Clock { get; }

    /// <summary>Returns when every resource has been started or has failed to. A failure of the whole is left in <see cref="StartFailure"/>.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token, _failure.Reported);
        _starting = StartAllAsync(stop.Token);
        try
        {
            await _starting;
        }
        catch (UnableToStartException e)
        {
            _failure.Report(e.Message);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Not an error that the host should log: the application sees the reason for itself.
        }
    }

    /// <summary>Ends every process; the second call waits for the first.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _stop.Value;

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _stopping.Dispose();
    }

    async Task StopAllAsync()
    {
        await _stopping.CancelAsync();
        // Its outcome has been seen by StartAsync.
        await _starting.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

        // The stores go last, so that the others can still write down where they stand.
        var instances = _model.Resources.SelectMany(ResourceInstance.Of).ToLookup(i => i.Resource is ContainerResource);
        await Task.WhenAll(instances[false].Select(_starter.StopAsync));
        await Task.WhenAll(instances[true].Select(_starter.StopAsync));
        await _endpoints.DisposeAsync();
    }

    async Task StartAllAsync(CancellationToken cancellationToken)
    {
        Validate();
        foreach (var resource in _model.Resources)
            await InitializeAsync(resource, cancellationToken);

        await _endpoints.AllocateAsync(_model.Resources, cancellationToken);
        foreach (var resource in _model.Resources.Where(r => r.HasAnnotationOfType<EndpointAnnotation>()))
            await PublishEndpointsAsync(resource, cancellationToken);

        await Task.WhenAll(_model.Resources.Where(r => r is not IResourceWithParent).Select(r => StartResourceAsync(r, cancellationToken)));
        await _eventing.PublishAsync(new AfterResourcesCreatedEvent(_services, _model), cancellationToken);
    }

    void Validate()
    {
        var registered = _checks.Registrations.Select(r => r.Name).ToHashSet();
        foreach (var resource in _model.Resources)
        {
            foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
                EndpointAllocator.Validate(resource, endpoint);
            foreach (var check in resource.Annotations.OfType<HealthCheckAnnotation>().Where(c => !registered.Contains(c.Key)))
                throw new DistributedApplicationException($"A health check registration is missing: '{check.Key}' of the resource '{resource.Name}'.");
        }
    }

    async Task InitializeAsync(IResource resource, CancellationToken cancellationToken)
    {
        if (resource is ProjectResource or ExecutableResource or ContainerResource)
        {
            resource.Annotations.Add(new InstancesAnnotation(
                [.. Enumerable.Range(0, resource.GetReplicaCount()).Select(_ => new ResourceInstance(resource))]));
        }
        var relationships = resource.Annotations.OfType<ResourceRelationshipAnnotation>().Select(r => new RelationshipSnapshot(r.Resource.Name, r.Type));
        await _notifications.PublishUpdateAsync(resource, s => s with
        {
            CreationTimeStamp = Clock.GetUtcNow().UtcDateTime,
            HealthReports = HealthMonitor.Unknown(resource),
            Relationships = [.. relationships],
        });
        await _eventing.PublishAsync(
            new InitializeResourceEvent(resource, _eventing, _logs, _notifications, _services), EventDispatchBehavior.NonBlockingConcurrent, cancellationToken);
    }

    async Task PublishEndpointsAsync(IResource resource, CancellationToken cancellationToken)
    {
        var urls = resource.Annotations.OfType<EndpointAnnotation>().Select(e => new UrlSnapshot(e.Name, e.AllocatedEndpoint!.UriString, IsInternal: false));
        await _notifications.PublishUpdateAsync(resource, s => s with { Urls = [.. urls] });
        await _eventing.PublishAsync(new ResourceEndpointsAllocatedEvent(resource, _services), cancellationToken);
    }

    async Task StartResourceAsync(IResource resource, CancellationToken cancellationToken)
    {
        try
        {
            if (resource is ParameterResource parameter)
                await parameter.GetValueAsync(cancellationToken);

            await PublishConnectionStringAsync(resource, cancellationToken);
            if (resource is IResourceWithoutLifetime)
            {
                await PublishStateAsync(resource, KnownResourceStates.Running);
                return;
            }

            await PublishStateAsync(resource, KnownResourceStates.Starting);
            await _eventing.PublishAsync(new BeforeResourceStartedEvent(resource, _services), cancellationToken);
            var instances = ResourceInstance.Of(resource);
            if (instances.Count == 0)
                await OnRunningAsync(resource, resource.Name);
            await Task.WhenAll(instances.Select(i => _starter.StartAsync(i, cancellationToken)));
        }
        catch (UnableToStartException e)
        {
            // At once: others may be waiting for this one.
            _failure.Report(e.Message);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // One resource that cannot start does not keep the others from running.
            OrchestratorLog.FailedToStart(_logs.GetLogger(resource), resource.Name, e.Message);
            await PublishStateAsync(resource, e is MissingParameterValueException && resource is ParameterResource
                ? KnownResourceStates.ValueMissing
                : KnownResourceStates.FailedToStart);
        }
    }

    /// <summary>For the resource, and after it for its children.</summary>
    async Task PublishConnectionStringAsync(IResource resource, CancellationToken cancellationToken)
    {
        if (resource is IResourceWithConnectionString)
            await _eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, _services), cancellationToken);
        foreach (var child in ChildrenOf(resource))
            await PublishConnectionStringAsync(child, cancellationToken);
    }

    /// <summary>The first running process of a resource starts its health checks; children run when their parent does.</summary>
    async Task OnRunningAsync(IResource resource, string instance)
    {
        await _notifications.PublishUpdateAsync(resource, instance, s => s with
        {
            State = KnownResourceStates.Running,
            StartTimeStamp = Clock.GetUtcNow().UtcDateTime,
        });
        if (_starter.IsFirst(resource))
            _ = MonitorAsync(resource);
        foreach (var child in ChildrenOf(resource))
            await OnRunningAsync(child, child.Name);
    }

    async Task MonitorAsync(IResource resource)
    {
        try
        {
            await _health.RunAsync(resource, _stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The application stops.
        }
    }

    Task PublishStateAsync(IResource resource, string state) => _notifications.PublishUpdateAsync(resource, s => s with { State = state });

    IEnumerable<IResource> ChildrenOf(IResource resource) =>
        _model.Resources.Where(r => r is IResourceWithParent { Parent: var parent } && ReferenceEquals(parent, resource));
}
