using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;

namespace LocalAspire;

/// <summary>Takes the instances of a resource from state to state, and its children along.</summary>
sealed class ResourceLifecycle
{
    readonly DistributedApplicationModel _model;
    readonly ProcessStarter _starter;
    readonly ResourceNotificationService _notifications;
    readonly ResourceLoggerService _logs;
    readonly IDistributedApplicationEventing _eventing;
    readonly StartFailure _failure;
    readonly IServiceProvider _services;
    readonly TimeProvider _clock;
    readonly ConcurrentDictionary<IResource, TaskCompletionSource> _waiting = new();

    public ResourceLifecycle(
        DistributedApplicationModel model,
        ProcessStarter starter,
        ResourceNotificationService notifications,
        ResourceLoggerService logs,
        IDistributedApplicationEventing eventing,
        StartFailure failure,
        IServiceProvider services,
        TimeProvider clock)
    {
        (_model, _starter, _notifications, _logs) = (model, starter, notifications, logs);
        (_eventing, _failure, _services, _clock) = (eventing, failure, services, clock);
        starter.Running = OnRunningAsync;
        eventing.Subscribe<BeforeResourceStartedEvent>(WaitForDependenciesAsync);
    }

    /// <summary>Starts the given instances of the resource; a failure shows in their state and log.</summary>
    public async Task StartAsync(IResource resource, IReadOnlyList<ResourceInstance> instances, CancellationToken cancellationToken)
    {
        try
        {
            await PublishConnectionStringAsync(resource, cancellationToken);
            foreach (var instance in instances)
                await PublishStartingAsync(resource, instance.Name);
            foreach (var program in resource.Annotations.OfType<ProgramAnnotation>().Where(program => !program.IsInstalled))
                OrchestratorLog.ProgramMissing(_logs.GetLogger(resource), program.Command, program.HelpLink is null ? "" : $" See {program.HelpLink}.");
            await _eventing.PublishAsync(
                new BeforeResourceStartedEvent(resource, _services) { ResourceInstanceId = instances.Count == ResourceInstance.Of(resource).Count ? null : instances[0].Name },
                cancellationToken);
            await Task.WhenAll(instances.Select(instance => _starter.StartAsync(instance, cancellationToken)));
        }
        catch (UnableToStartException e) when (_failure.Report(e.Message))
        {
            // At once: others may be waiting for this one.
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // One resource that cannot start does not keep the others from running.
            OrchestratorLog.FailedToStart(_logs.GetLogger(resource), resource.Name, e.Message);
            foreach (var instance in instances)
                await PublishStateAsync(resource, instance.Name, KnownResourceStates.FailedToStart);
        }
    }

    public async Task<ExecuteCommandResult> StartAsync(IResource resource, ResourceInstance instance, CancellationToken cancellationToken)
    {
        if (_waiting.TryGetValue(resource, out var waiting))
        {
            waiting.TrySetResult();
            return CommandResults.Success();
        }
        if (instance.IsRunning)
            return CommandResults.Failure($"The resource '{instance.Name}' is running already.");

        await StartAsync(resource, [instance], cancellationToken);
        return IsIn(instance.Name, KnownResourceStates.FailedToStart)
            ? CommandResults.Failure($"The resource '{instance.Name}' failed to start; its log tells why.")
            : CommandResults.Success();
    }

    public async Task<ExecuteCommandResult> StopAsync(IResource resource, ResourceInstance instance)
    {
        if (!instance.IsRunning)
            return CommandResults.Failure($"The resource '{instance.Name}' is not running.");

        await PublishStateAsync(resource, instance.Name, KnownResourceStates.Stopping);
        await _starter.HaltAsync(instance);
        return CommandResults.Success();
    }

    public async Task<ExecuteCommandResult> RestartAsync(IResource resource, ResourceInstance instance, CancellationToken cancellationToken)
    {
        if (instance.IsRunning)
            await StopAsync(resource, instance);
        return await StartAsync(resource, instance, cancellationToken);
    }

    public async Task PublishStateAsync(IResource resource, string instance, string state)
    {
        await _notifications.PublishUpdateAsync(resource, instance, s => s with { State = state });
        foreach (var child in ChildrenOf(resource))
            await PublishStateAsync(child, child.Name, state);
    }

    /// <summary>What an earlier run left behind does not count for this one.</summary>
    async Task PublishStartingAsync(IResource resource, string instance)
    {
        await _notifications.PublishUpdateAsync(resource, instance, s => s with
        {
            State = KnownResourceStates.Starting,
            HealthReports = HealthMonitor.Unknown(resource),
            ExitCode = null,
            StopTimeStamp = null,
            Ready = null,
        });
        foreach (var child in ChildrenOf(resource))
            await PublishStartingAsync(child, child.Name);
    }

    async Task OnRunningAsync(IResource resource, string instance)
    {
        await _notifications.PublishUpdateAsync(resource, instance, s => s with
        {
            State = KnownResourceStates.Running,
            StartTimeStamp = _clock.GetUtcNow().UtcDateTime,
            Urls = [.. s.Urls.Select(url => url with { IsInactive = false })],
        });
        foreach (var child in ChildrenOf(resource))
            await OnRunningAsync(child, child.Name);
    }

    /// <summary>For the resource, and after it for its children.</summary>
    async Task PublishConnectionStringAsync(IResource resource, CancellationToken cancellationToken)
    {
        if (resource is IResourceWithConnectionString)
            await _eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, _services), cancellationToken);
        foreach (var child in ChildrenOf(resource))
            await PublishConnectionStringAsync(child, cancellationToken);
    }

    /// <summary>Ends early when the start command is given meanwhile.</summary>
    async Task WaitForDependenciesAsync(BeforeResourceStartedEvent e, CancellationToken cancellationToken)
    {
        // A replica that joins others which run has nothing to wait for, and waiting would show on all of them.
        if (e.ResourceInstanceId is not null && ResourceInstance.Of(e.Resource).Any(instance => instance.IsRunning))
            return;

        var start = _waiting.GetOrAdd(e.Resource, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var waiting = _notifications.WaitForDependenciesAsync(e.Resource, stop.Token);
            if (await Task.WhenAny(waiting, start.Task) == start.Task)
            {
                await stop.CancelAsync();
                await waiting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancellationToken.ThrowIfCancellationRequested();
                return;
            }
            await waiting;
        }
        finally
        {
            _waiting.TryRemove(e.Resource, out _);
        }
    }

    bool IsIn(string instance, string state) => _notifications.TryGetCurrentState(instance, out var current) && current.Snapshot.State?.Text == state;

    IEnumerable<IResource> ChildrenOf(IResource resource) =>
        _model.Resources.Where(r => r is IResourceWithParent { Parent: var parent } && ReferenceEquals(parent, resource));
}
