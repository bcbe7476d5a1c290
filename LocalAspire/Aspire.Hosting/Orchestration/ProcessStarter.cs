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
    /// <summary>Called with the resource and the name of the instance when a process does its work.</summary>
    public Func<IResource, string, Task> Running { get; set; } = (_, _) => Task.CompletedTask;

    public async Task StartAsync(ResourceInstance instance, CancellationToken cancellationToken)
    {
        endpoints.Prepare(instance);
        var spec = await planner.PlanAsync(instance, cancellationToken);
        if (cancellationToken.IsCancellationRequested && spec.Cleanup is not null)
            Directory.Delete(spec.Cleanup, recursive: true);
        cancellationToken.ThrowIfCancellationRequested();

        await notifications.PublishUpdateAsync(instance.Resource, instance.Name, s => s.WithLaunch(instance.Resource, spec));
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var lastLines = new LastLines();
        var process = SupervisedProcess.Start(spec, OnLine, clock);
        instance.Begin(process, spec.Halt);
        endpoints.Open(instance);
        instance.End = FollowAsync(instance, process, ready.Task, lastLines);
        if (spec.ReadyText is not null && await Task.WhenAny(ready.Task, process.Exited) != ready.Task)
            return;
        if (!process.Exited.IsCompleted)
            await Running(instance.Resource, instance.Name);

        void OnLine(string line, bool isError)
        {
            logs.Append(instance.Name, line, isError);
            lastLines.Add(line);
            if (spec.ReadyText is { } text && line.Contains(text, StringComparison.Ordinal))
                ready.TrySetResult();
        }
    }

    /// <summary>Stops the resource itself, where <see cref="StopAsync"/> leaves what is to outlive the AppHost.</summary>
    public async Task HaltAsync(ResourceInstance instance)
    {
        if (instance is { Process: not null, Halt: { } halt })
        {
            instance.IsStopping = true;
            await halt();
        }
        await StopAsync(instance);
    }

    public async Task StopAsync(ResourceInstance instance)
    {
        if (instance.Process is not { } process)
            return;

        instance.IsStopping = true;
        await process.StopAsync();
        await instance.End;
        process.Dispose();
    }

    async Task FollowAsync(ResourceInstance instance, SupervisedProcess process, Task ready, LastLines lastLines)
    {
        var exitCode = await process.Exited;
        endpoints.Close(instance);
        var (resource, isServer) = (instance.Resource, instance.Resource is ContainerResource);
        if (!instance.IsStopping && (isServer || exitCode != 0))
            ReportEnd(instance, exitCode, wasReady: ready.IsCompleted, lastLines);

        var state = (isServer, instance.RunsInContainer, ready.IsCompleted) switch
        {
            (false, _, _) => KnownResourceStates.Finished,
            (true, true, false) => KnownResourceStates.FailedToStart,
            _ => KnownResourceStates.Exited,
        };
        await PublishEndAsync(resource, instance.Name, state, exitCode);
        foreach (var child in model.Resources.Where(r => r is IResourceWithParent { Parent: var parent } && ReferenceEquals(parent, resource)))
            await PublishEndAsync(child, child.Name, KnownResourceStates.Exited, exitCode);
    }

    /// <summary>A server that does not come up keeps the application from starting; any other end is told and lived with.</summary>
    void ReportEnd(ResourceInstance instance, int exitCode, bool wasReady, LastLines lastLines)
    {
        var resource = instance.Resource;
        if (!wasReady && resource.HasAnnotationOfType<NativeServerAnnotation>() && failure.Report(exitCode == DataLock.InUse
                ? $"the data directory of the resource '{resource.Name}' is in use by another running server. Stop the AppHost that started it, or set Aspire:Store:Path to another place."
                : $"the resource '{resource.Name}' ended with exit code {exitCode} before it was ready: {lastLines}"))
        {
            return;
        }
        OrchestratorLog.Ended(log, instance.Name, exitCode, lastLines.ToString());
    }

    async Task PublishEndAsync(IResource resource, string instance, string state, int exitCode)
    {
        await notifications.PublishUpdateAsync(resource, instance, s => s with
        {
            State = state,
            ExitCode = exitCode,
            IsHidden = s.IsHidden || resource.Annotations.OfType<HiddenAnnotation>().Any(a => a.OnExitCodes?.Contains(exitCode) ?? false),
            StopTimeStamp = clock.GetUtcNow().UtcDateTime,
            Urls = [.. s.Urls.Select(url => url with { IsInactive = true })],
        });
        if (notifications.TryGetCurrentState(instance, out var change))
            await eventing.PublishAsync(new ResourceStoppedEvent(resource, services, change));
    }
}

/// <summary>The end of what a process wrote, for the one line that tells of its end.</summary>
sealed class LastLines
{
    const int Kept = 3;

    readonly Queue<string> _lines = new();

    public void Add(string line)
    {
        if (string.IsNullOrWhiteSpace(line))
            return;

        lock (_lines)
        {
            _lines.Enqueue(line.Trim());
            if (_lines.Count > Kept)
                _lines.Dequeue();
        }
    }

    public override string ToString()
    {
        lock (_lines)
            return _lines.Count == 0 ? "it wrote nothing." : string.Join(" / ", _lines);
    }
}

static partial class OrchestratorLog
{
    [LoggerMessage(1, LogLevel.Error, "Failed to start resource '{Name}': {Reason}")]
    public static partial void FailedToStart(ILogger logger, string name, string reason);

    [LoggerMessage(2, LogLevel.Error, "Resource '{Instance}' ended with exit code {ExitCode}. Its last output: {LastWords}")]
    public static partial void Ended(ILogger logger, string instance, int exitCode, string lastWords);

    [LoggerMessage(3, LogLevel.Error, "A handler of the ready event of resource '{Name}' failed")]
    public static partial void ReadyHandlerFailed(ILogger logger, string name, Exception exception);

    [LoggerMessage(4, LogLevel.Information, "{Line}")]
    public static partial void Output(ILogger logger, string line);

    [LoggerMessage(5, LogLevel.Error, "{Line}")]
    public static partial void ErrorOutput(ILogger logger, string line);

    [LoggerMessage(6, LogLevel.Warning, "Required command '{Command}' was not found on PATH or at the given place.{Help}")]
    public static partial void ProgramMissing(ILogger logger, string command, string help);

    [LoggerMessage(8, LogLevel.Warning, "Resource '{Name}' runs as a process of this machine, because {Reason}")]
    public static partial void RunsNatively(ILogger logger, string name, string reason);

    [LoggerMessage(7, LogLevel.Warning, "Resource '{Name}' runs and is still not healthy, so whoever waits for it goes on waiting. Correct the resource, or the health check: {Reasons}")]
    public static partial void NotHealthyYet(ILogger logger, string name, string reasons);
}
