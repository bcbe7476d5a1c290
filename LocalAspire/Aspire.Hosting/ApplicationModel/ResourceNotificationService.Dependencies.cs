using LocalAspire;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

public partial class ResourceNotificationService
{
    /// <summary>Waits for everything that the resource was told to wait for, all at once.</summary>
    /// <exception cref="DistributedApplicationException">A dependency failed or ended, and the wait must not outlast that.</exception>
    public Task WaitForDependenciesAsync(IResource resource, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(resource);
        var waits = resource.Annotations.OfType<WaitAnnotation>().ToArray();
        return waits.Length == 0 ? Task.CompletedTask : WaitForAllAsync(resource, waits, cancellationToken);
    }

    async Task WaitForAllAsync(IResource resource, WaitAnnotation[] waits, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await PublishUpdateAsync(resource, s => s.WithWaitingFor(waits.Select(wait => wait.Resource.Name)) with { State = KnownResourceStates.Waiting });
        // No dictionary: waits that are over already, as at a restart, are all the same task.
        var pending = waits.Select(wait => (Task: WaitForInstancesAsync(resource, wait, stop.Token), wait.Resource.Name)).ToList();
        try
        {
            // The first dependency that fails decides; the others need not be awaited any longer.
            while (pending.Count > 0)
            {
                var done = await Task.WhenAny(pending.Select(wait => wait.Task));
                pending.RemoveAll(wait => wait.Task == done);
                await done;
                await PublishUpdateAsync(resource, s => s.WithWaitingFor(pending.Select(wait => wait.Name)));
            }
        }
        finally
        {
            await stop.CancelAsync();
            await PublishUpdateAsync(resource, s => s.WithWaitingFor([]));
        }
    }

    Task WaitForInstancesAsync(IResource resource, WaitAnnotation wait, CancellationToken cancellationToken)
    {
        var log = resourceLoggerService.GetLogger(resource);
        return Task.WhenAll(ResourceInstance.NamesOf(wait.Resource).Select(instance => wait.WaitType switch
        {
            WaitType.WaitForCompletion => WaitUntilCompleteAsync(log, wait, instance, cancellationToken),
            WaitType.WaitUntilStarted => WaitUntilRunningAsync(log, wait, instance, cancellationToken),
            _ => WaitUntilHealthyAsync(log, wait, instance, cancellationToken),
        }));
    }

    async Task WaitUntilRunningAsync(ILogger log, WaitAnnotation wait, string instance, CancellationToken cancellationToken)
    {
        WaitLog.WaitingForState(log, wait.Resource.Name, KnownResourceStates.Running);
        await ReachAsync(wait, instance, s => s.State?.Text == KnownResourceStates.Running, cancellationToken);
    }

    async Task WaitUntilHealthyAsync(ILogger log, WaitAnnotation wait, string instance, CancellationToken cancellationToken)
    {
        await WaitUntilRunningAsync(log, wait, instance, cancellationToken);
        if (wait.Resource.HasAnnotationOfType<HealthCheckAnnotation>())
        {
            WaitLog.WaitingForHealth(log, wait.Resource.Name);
            await ReachAsync(wait, instance, s => s.HealthStatus == HealthStatus.Healthy, cancellationToken);
        }

        WaitLog.WaitingForReady(log, wait.Resource.Name);
        var ready = await ReachAsync(wait, instance, s => s.Ready is not null, cancellationToken);
        await ready.Ready!.WaitAsync(cancellationToken);
        WaitLog.Finished(log, wait.Resource.Name);
    }

    async Task WaitUntilCompleteAsync(ILogger log, WaitAnnotation wait, string instance, CancellationToken cancellationToken)
    {
        WaitLog.WaitingForCompletion(log, wait.Resource.Name);
        var ended = await WaitForInstanceAsync(wait, instance, IsTerminal, cancellationToken);
        if (ended.State!.Text == KnownResourceStates.FailedToStart)
            throw new DistributedApplicationException($"Dependency resource '{wait.Resource.Name}' failed to start.");
        if (ended.ExitCode is { } code && code != wait.ExitCode)
            throw new DistributedApplicationException($"Dependency resource '{wait.Resource.Name}' ended with exit code {code}, not {wait.ExitCode}.");
        WaitLog.Finished(log, wait.Resource.Name);
    }

    async Task<CustomResourceSnapshot> ReachAsync(WaitAnnotation wait, string instance, Func<CustomResourceSnapshot, bool> reached, CancellationToken cancellationToken)
    {
        var stop = (wait.WaitBehavior ?? DefaultWaitBehavior) == WaitBehavior.StopOnResourceUnavailable;
        var snapshot = await WaitForInstanceAsync(wait, instance, s => reached(s) || (stop && IsTerminal(s)), cancellationToken);
        return reached(snapshot) ? snapshot : throw new DistributedApplicationException(
            $"Dependency resource '{wait.Resource.Name}' is not available: it is in the state {snapshot.State!.Text}.");
    }

    async Task<CustomResourceSnapshot> WaitForInstanceAsync(WaitAnnotation wait, string instance, Func<CustomResourceSnapshot, bool> predicate, CancellationToken cancellationToken)
    {
        var change = await WaitForResourceAsync(wait.Resource.Name, e => e.ResourceId == instance && predicate(e.Snapshot), cancellationToken);
        return change.Snapshot;
    }
}

static partial class WaitLog
{
    [LoggerMessage(1, LogLevel.Information, "Waiting for resource '{Name}' to enter the '{State}' state.")]
    public static partial void WaitingForState(ILogger logger, string name, string state);

    [LoggerMessage(2, LogLevel.Information, "Waiting for resource '{Name}' to become healthy.")]
    public static partial void WaitingForHealth(ILogger logger, string name);

    [LoggerMessage(3, LogLevel.Information, "Waiting for resource ready to execute for '{Name}'.")]
    public static partial void WaitingForReady(ILogger logger, string name);

    [LoggerMessage(4, LogLevel.Information, "Waiting for resource '{Name}' to complete.")]
    public static partial void WaitingForCompletion(ILogger logger, string name);

    [LoggerMessage(5, LogLevel.Information, "Finished waiting for resource '{Name}'.")]
    public static partial void Finished(ILogger logger, string name);
}
