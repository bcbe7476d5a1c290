using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace LocalAspire;

/// <summary>Starts every resource of the application, and ends it.</summary>
sealed class Orchestrator(
    DistributedApplicationModel model,
    DistributedApplicationExecutionContext executionContext,
    EndpointAllocator endpoints,
    ProcessStarter starter,
    ResourceLifecycle lifecycle,
    HealthMonitor health,
    ResourceNotificationService notifications,
    ResourceLoggerService logs,
    IDistributedApplicationEventing eventing,
    StartFailure failure,
    IOptions<HealthCheckServiceOptions> checks,
    OutputSink sink,
    TimeProvider clock,
    IServiceProvider services) : IHostedService, IAsyncDisposable
{
    readonly CancellationTokenSource _stopping = new();
    readonly Lock _lock = new();
    readonly List<Task> _work = [];
    Task? _stop;

    /// <summary>Returns when every resource has been started or has failed to. A failure of the whole is left in <see cref="StartFailure"/>.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        logs.Sink = sink.Write;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token, failure.Reported);
        try
        {
            await Track(StartAllAsync(stop.Token));
        }
        catch (DistributedApplicationException e)
        {
            failure.Report(e.Message);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Not an error that the host should log: the application sees the reason for itself.
        }
        if (failure.Message is null)
            failure.StartIsOver();
    }

    /// <summary>Ends every process; the second call waits for the first.</summary>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
            return _stop ??= StopAllAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _stopping.Dispose();
    }

    async Task StopAllAsync()
    {
        await _stopping.CancelAsync();
        Task[] work;
        lock (_lock)
            work = [.. _work];
        // The outcome has been seen by whoever asked for it.
        await Task.WhenAll(work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // The stores go last, so that the others can still write down where they stand.
        var instances = model.Resources.SelectMany(ResourceInstance.Of).ToLookup(i => i.Resource is ContainerResource);
        await Task.WhenAll(instances[false].Select(starter.StopAsync));
        await Task.WhenAll(instances[true].Select(starter.StopAsync));
        await endpoints.DisposeAsync();
    }

    async Task StartAllAsync(CancellationToken cancellationToken)
    {
        Validate();
        _ = Track(health.WatchAsync(_stopping.Token));
        foreach (var resource in model.Resources.ToArray())
            await InitializeAsync(resource);

        await endpoints.AllocateAsync(model.Resources, cancellationToken);
        foreach (var resource in model.Resources)
            await PublishAddressesAsync(resource, cancellationToken);

        await Task.WhenAll(model.Resources.Select(resource => StartAsync(resource, cancellationToken)));
        await eventing.PublishAsync(new AfterResourcesCreatedEvent(services, model), cancellationToken);
    }

    void Validate()
    {
        var registered = checks.Value.Registrations.Select(r => r.Name).ToHashSet();
        foreach (var resource in model.Resources)
        {
            foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
                EndpointAllocator.Validate(resource, endpoint);
            foreach (var check in resource.Annotations.OfType<HealthCheckAnnotation>().Where(c => !registered.Contains(c.Key)))
                throw new DistributedApplicationException($"A health check registration is missing: '{check.Key}' of the resource '{resource.Name}'.");
        }
    }

    async Task InitializeAsync(IResource resource)
    {
        if (IsProcess(resource))
        {
            resource.Annotations.Add(new InstancesAnnotation(
                [.. Enumerable.Range(0, resource.GetReplicaCount()).Select(_ => new ResourceInstance(resource))]));
            LifecycleCommands.Add(resource, lifecycle, RunCommandAsync);
        }
        var relationships = resource.Annotations.OfType<ResourceRelationshipAnnotation>().Select(r => new RelationshipSnapshot(r.Resource.Name, r.Type)).Distinct();
        var icon = resource.Annotations.OfType<ResourceIconAnnotation>().LastOrDefault();
        await notifications.PublishUpdateAsync(resource, s => s with
        {
            CreationTimeStamp = clock.GetUtcNow().UtcDateTime,
            HealthReports = HealthMonitor.Unknown(resource),
            Relationships = [.. relationships],
            IsHidden = s.IsHidden || resource.Annotations.OfType<HiddenAnnotation>().Any(a => a.OnExitCodes is null),
            IconName = icon?.IconName ?? s.IconName,
            IconVariant = icon?.IconVariant ?? s.IconVariant,
        });
        _ = Track(PublishInitializeAsync(resource));
    }

    /// <summary>A custom resource drives itself from here on, and holds nothing up.</summary>
    async Task PublishInitializeAsync(IResource resource)
    {
        try
        {
            await Task.Yield();
            await eventing.PublishAsync(
                new InitializeResourceEvent(resource, eventing, logs, notifications, services), EventDispatchBehavior.BlockingConcurrent, _stopping.Token);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            OrchestratorLog.FailedToStart(logs.GetLogger(resource), resource.Name, e.Message);
            await notifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.FailedToStart });
        }
    }

    async Task PublishAddressesAsync(IResource resource, CancellationToken cancellationToken)
    {
        var urls = await ResourceUrls.OfAsync(resource, executionContext, logs.GetLogger(resource), cancellationToken);
        if (!urls.IsEmpty)
            await notifications.PublishUpdateAsync(resource, s => s with { Urls = urls });
        if (resource.HasAnnotationOfType<EndpointAnnotation>())
            await eventing.PublishAsync(new ResourceEndpointsAllocatedEvent(resource, services), cancellationToken);
    }

    Task StartAsync(IResource resource, CancellationToken cancellationToken) => resource switch
    {
        ParameterResource parameter => ResolveAsync(resource, parameter, cancellationToken),
        ConfiguredConnectionString connection => ResolveAsync(resource, connection, cancellationToken),
        _ when !IsProcess(resource) => Task.CompletedTask,
        _ when resource.HasAnnotationOfType<ExplicitStartupAnnotation>() => HoldBackAsync(resource),
        _ => lifecycle.StartAsync(resource, ResourceInstance.Of(resource), cancellationToken),
    };

    async Task HoldBackAsync(IResource resource)
    {
        foreach (var instance in ResourceInstance.Of(resource))
            await lifecycle.PublishStateAsync(resource, instance.Name, KnownResourceStates.NotStarted);
    }

    async Task ResolveAsync(IResource resource, IValueProvider value, CancellationToken cancellationToken)
    {
        try
        {
            await value.GetValueAsync(cancellationToken);
            if (resource is IResourceWithConnectionString)
                await eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, services), cancellationToken);
            await notifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.Running });
        }
        catch (MissingParameterValueException e)
        {
            OrchestratorLog.FailedToStart(logs.GetLogger(resource), resource.Name, e.Message);
            await notifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.ValueMissing });
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            OrchestratorLog.FailedToStart(logs.GetLogger(resource), resource.Name, e.Message);
            await notifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.FailedToStart });
        }
    }

    Task<ExecuteCommandResult> RunCommandAsync(Func<CancellationToken, Task<ExecuteCommandResult>> command)
    {
        lock (_lock)
            return _stop is null ? Track(Task.Run(() => command(_stopping.Token))) : Task.FromResult(CommandResults.Canceled());
    }

    /// <summary>Shutdown waits for it.</summary>
    T Track<T>(T task)
        where T : Task
    {
        lock (_lock)
        {
            _work.RemoveAll(done => done.IsCompletedSuccessfully);
            _work.Add(task);
        }
        return task;
    }

    static bool IsProcess(IResource resource) => resource is ProjectResource or ExecutableResource or ContainerResource;
}
