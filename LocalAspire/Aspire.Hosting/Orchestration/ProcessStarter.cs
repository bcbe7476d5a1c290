using System.Collections.Concurrent;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Logging;

namespace LocalAspire;

/// <summary>Starts the process of an instance and follows it to its end.</summary>
sealed class ProcessStarter(
    LaunchPlanner planner,
    EndpointAllocator endpoints,
    ResourceNotificationService notifications,
    ResourceLoggerService logs,
    IDistributedApplicationEventing eventing,
    StartFailure failure,
    DistributedApplicationModel model,
    IServiceProvider services,
    TimeProvider clock,
    ILogger<DistributedApplication> log)
{
    const int LinesShown = 3;

    readonly ConcurrentDictionary<IResource, bool> _hasRun = new();
    readonly ConcurrentDictionary<ResourceInstance, Task> _ends = new();
    readonly ConcurrentDictionary<ResourceInstance, bool> _stopping = new();

    /// <summary>Called with the resource and the name of the instance when a process does its work.</summary>
    public Func<IResource, string, Task> Running { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>True once for each resource.</summary>
    public bool IsFirst(IResource resource) => _hasRun.TryAdd(resource, true);

    public async Task StartAsync(ResourceInstance instance, CancellationToken cancellationToken)
    {
        endpoints.Prepare(instance);
        var spec = await planner.PlanAsync(instance, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();

        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = SupervisedProcess.Start(spec, OnLine, clock);
        instance.Process = process;
        endpoints.Open(instance);
        _ends[instance] = FollowAsync(instance, process, ready.Task);
        if (spec.ReadyText is not null && await Task.WhenAny(ready.Task, process.Exited) != ready.Task)
            return;
        if (!process.Exited.IsCompleted)
            await Running(instance.Resource, instance.Name);

        void OnLine(string line, bool isError)
        {
            logs.Append(instance.Name, line, isError);
            if (spec.ReadyText is { } text && line.Contains(text, StringComparison.Ordinal))
                ready.TrySetResult();
        }
    }

    public async Task StopAsync(ResourceInstance instance)
    {
        if (instance.Process is not { } process || !_stopping.TryAdd(instance, true))
            return;

        await process.StopAsync();
        await _ends[instance];
        process.Dispose();
    }

    async Task FollowAsync(ResourceInstance instance, SupervisedProcess process, Task ready)
    {
        var exitCode = await process.Exited;
        endpoints.Close(instance);
        var (resource, isServer) = (instance.Resource, instance.Resource is ContainerResource);
        if (!_stopping.ContainsKey(instance) && (isServer || exitCode != 0))
            ReportEnd(instance, exitCode, wasReady: !isServer || ready.IsCompleted);

        await PublishEndAsync(resource, instance.Name, isServer ? KnownResourceStates.Exited : KnownResourceStates.Finished, exitCode);
        foreach (var child in model.Resources.Where(r => r is IResourceWithParent { Parent: var parent } && ReferenceEquals(parent, resource)))
            await PublishEndAsync(child, child.Name, KnownResourceStates.Exited, exitCode);
    }

    /// <summary>A server that does not come up keeps the application from starting; any other end is told and lived with.</summary>
    void ReportEnd(ResourceInstance instance, int exitCode, bool wasReady)
    {
        var resource = instance.Resource;
        if (!wasReady)
        {
            failure.Report(exitCode == DataLock.InUse
                ? $"the data directory of the resource '{resource.Name}' is in use by another running server. Stop the AppHost that started it, or set LocalAspire:DataDirectory to another place."
                : $"the resource '{resource.Name}' ended with exit code {exitCode} before it was ready: {LastWords(instance)}");
            return;
        }
        OrchestratorLog.Ended(log, instance.Name, exitCode, LastWords(instance));
    }

    string LastWords(ResourceInstance instance)
    {
        // The time stamp in front ends at the first blank.
        var lines = logs.Backlog(instance.Name).TakeLast(LinesShown).Select(l => l.Content[(l.Content.IndexOf(' ', StringComparison.Ordinal) + 1)..].Trim());
        return string.Join(" / ", lines);
    }

    async Task PublishEndAsync(IResource resource, string instance, string state, int exitCode)
    {
        await notifications.PublishUpdateAsync(resource, instance, s => s with
        {
            State = state,
            ExitCode = exitCode,
            StopTimeStamp = clock.GetUtcNow().UtcDateTime,
        });
        if (notifications.TryGetCurrentState(instance, out var change))
            await eventing.PublishAsync(new ResourceStoppedEvent(resource, services, change));
    }
}

static partial class OrchestratorLog
{
    [LoggerMessage(LogLevel.Error, "Failed to start resource '{Name}': {Reason}")]
    public static partial void FailedToStart(ILogger logger, string name, string reason);

    [LoggerMessage(LogLevel.Error, "Resource '{Instance}' ended with exit code {ExitCode}. Its last output: {LastWords}")]
    public static partial void Ended(ILogger logger, string instance, int exitCode, string lastWords);

    [LoggerMessage(LogLevel.Error, "A handler of the ready event of resource '{Name}' failed")]
    public static partial void ReadyHandlerFailed(ILogger logger, string name, Exception exception);

    [LoggerMessage(LogLevel.Information, "{Line}")]
    public static partial void Output(ILogger logger, string line);

    [LoggerMessage(LogLevel.Error, "{Line}")]
    public static partial void ErrorOutput(ILogger logger, string line);
}
