using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LocalAspire;

/// <summary>Checks a running resource and raises its ready event once, when it is healthy for the first time.</summary>
sealed class HealthMonitor(
    HealthCheckService checks,
    ResourceNotificationService notifications,
    ResourceLoggerService logs,
    IDistributedApplicationEventing eventing,
    IServiceProvider services,
    TimeProvider clock)
{
    static readonly TimeSpan HealthyInterval = TimeSpan.FromSeconds(30);
    // Short at first: most processes answer within a second of their start, and others wait for them.
    static readonly double[] UnhealthySeconds = [0.2, 0.2, 0.3, 0.3, 0.5, 0.5, 1, 1, 2, 3, 4, 5];

    /// <summary>Before the first check has answered, a resource with checks counts as unhealthy.</summary>
    public static ImmutableArray<HealthReportSnapshot> Unknown(IResource resource) =>
        [.. resource.Annotations.OfType<HealthCheckAnnotation>().Select(a => new HealthReportSnapshot(a.Key, null, null, null))];

    /// <summary>Follows every resource from when it runs to when its last instance has ended, and again after that.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        var runs = new Dictionary<IResource, Run>();
        try
        {
            await foreach (var change in notifications.WatchAsync(cancellationToken))
                Follow(change, runs, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The application stops.
        }
    }

    // By what the changes say, one after the other: the current state may be a few changes ahead.
    void Follow(ResourceEvent change, Dictionary<IResource, Run> runs, CancellationToken cancellationToken)
    {
        var resource = change.Resource;
        if (change.Snapshot.State?.Text == KnownResourceStates.Running)
        {
            if (!runs.TryGetValue(resource, out var run))
            {
                run = runs[resource] = new(CancellationTokenSource.CreateLinkedTokenSource(cancellationToken), []);
                _ = MonitorAsync(resource, run.Stop.Token);
            }
            run.Instances.Add(change.ResourceId);
        }
        else if (ResourceNotificationService.IsTerminal(change.Snapshot) && runs.TryGetValue(resource, out var run)
            && run.Instances.Remove(change.ResourceId) && run.Instances.Count == 0)
        {
            runs.Remove(resource);
            run.Stop.Cancel();
            run.Stop.Dispose();
        }
    }

    async Task MonitorAsync(IResource resource, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(resource, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The run is over.
        }
    }

    async Task RunAsync(IResource resource, CancellationToken cancellationToken)
    {
        if (resource is IResourceWithParent child)
            await WaitForParentAsync(child.Parent, cancellationToken);

        var keys = resource.Annotations.OfType<HealthCheckAnnotation>().Select(a => a.Key).ToHashSet();
        if (keys.Count == 0)
        {
            await MarkReadyAsync(resource, cancellationToken);
            return;
        }

        var (isReady, failures) = (false, 0);
        while (true)
        {
            var report = await checks.CheckHealthAsync(r => keys.Contains(r.Name), cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            await notifications.PublishUpdateAsync(resource, s => s with { HealthReports = Snapshots(report) });
            var isHealthy = report.Status == HealthStatus.Healthy;
            if (isHealthy && !isReady)
            {
                isReady = true;
                await MarkReadyAsync(resource, cancellationToken);
            }
            failures = isHealthy ? 0 : failures + 1;
            if (failures == UnhealthySeconds.Length && !isReady)
                OrchestratorLog.NotHealthyYet(logs.GetLogger(resource), resource.Name, Reasons(report));
            await Task.Delay(isHealthy ? HealthyInterval : Pause(failures), clock, cancellationToken);
        }
    }

    static string Reasons(HealthReport report) => string.Join("; ", report.Entries.Where(e => e.Value.Status != HealthStatus.Healthy)
        .Select(e => $"{e.Key}: {e.Value.Description ?? e.Value.Exception?.Message ?? e.Value.Status.ToString()}"));

    static TimeSpan Pause(int failures) => TimeSpan.FromSeconds(UnhealthySeconds[Math.Min(failures, UnhealthySeconds.Length) - 1]);

    ImmutableArray<HealthReportSnapshot> Snapshots(HealthReport report)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return [.. report.Entries.Select(e => new HealthReportSnapshot(e.Key, e.Value.Status, e.Value.Description, e.Value.Exception?.ToString()) { LastRunAt = now })];
    }

    /// <summary>What a child is, such as a database, may only come into being when the parent is ready.</summary>
    async Task WaitForParentAsync(IResource parent, CancellationToken cancellationToken)
    {
        var ready = await notifications.WaitForResourceAsync(parent.Name, e => e.Snapshot.Ready is not null, cancellationToken);
        // A handler that failed shows in the parent's log; the checks of the child tell what came of it.
        await ready.Snapshot.Ready!.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    async Task MarkReadyAsync(IResource resource, CancellationToken cancellationToken)
    {
        var handlers = eventing.PublishAsync(new ResourceReadyEvent(resource, services), cancellationToken);
        await notifications.PublishUpdateAsync(resource, s => s with { Ready = handlers });
        try
        {
            await handlers;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Those who wait for the resource get the exception as well.
            OrchestratorLog.ReadyHandlerFailed(logs.GetLogger(resource), resource.Name, e);
        }
    }

    sealed record Run(CancellationTokenSource Stop, HashSet<string> Instances);
}
