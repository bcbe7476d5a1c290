using Aspire.Hosting.ApplicationModel;
using static Aspire.Hosting.ApplicationModel.ResourceCommandState;

namespace LocalAspire;

/// <summary>The commands that every process has: start, stop, restart.</summary>
static class LifecycleCommands
{
    public static void Add(IResource resource, ResourceLifecycle lifecycle, Func<Func<CancellationToken, Task<ExecuteCommandResult>>, Task<ExecuteCommandResult>> run)
    {
        Add(resource, KnownResourceCommands.StartCommand, "Start", "Play", StartState, instance => run(ct => lifecycle.StartAsync(resource, instance, ct)));
        Add(resource, KnownResourceCommands.StopCommand, "Stop", "Stop", StopState, instance => run(_ => lifecycle.StopAsync(resource, instance)));
        Add(resource, KnownResourceCommands.RestartCommand, "Restart", "ArrowCounterclockwise", RestartState, instance => run(ct => lifecycle.RestartAsync(resource, instance, ct)));
    }

    static void Add(
        IResource resource, string name, string displayName, string icon, Func<string?, ResourceCommandState> state, Func<ResourceInstance, Task<ExecuteCommandResult>> execute)
    {
        if (resource.Annotations.OfType<ResourceCommandAnnotation>().Any(a => a.Name == name))
            return;

        resource.Annotations.Add(new ResourceCommandAnnotation(
            name,
            displayName,
            context => state(context.ResourceSnapshot.State?.Text),
            context => execute(ResourceInstance.Of(resource).Single(instance => instance.Name == context.ResourceName)),
            $"{displayName} resource",
            parameter: null,
            confirmationMessage: null,
            icon,
            IconVariant.Filled,
            isHighlighted: name != KnownResourceCommands.RestartCommand));
    }

    static ResourceCommandState StartState(string? state) => state switch
    {
        null or "" => Disabled,
        _ when state == KnownResourceStates.Starting || state == KnownResourceStates.RuntimeUnhealthy => Disabled,
        _ when IsStopped(state) || state == KnownResourceStates.Waiting => Enabled,
        _ => Hidden,
    };

    static ResourceCommandState StopState(string? state) => state switch
    {
        null or "" => Hidden,
        _ when state == KnownResourceStates.Stopping => Disabled,
        _ when IsStopped(state) || state == KnownResourceStates.Starting || state == KnownResourceStates.Waiting || state == KnownResourceStates.RuntimeUnhealthy => Hidden,
        _ => Enabled,
    };

    static ResourceCommandState RestartState(string? state) => StopState(state) is Enabled ? Enabled : Disabled;

    static bool IsStopped(string state) => state == KnownResourceStates.NotStarted || KnownResourceStates.TerminalStates.Contains(state);
}
