using System.Collections.Concurrent;
using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;

namespace LocalAspire;

/// <summary>One process of a resource: a project with replicas has several.</summary>
sealed class ResourceInstance(IResource resource)
{
    readonly ConcurrentDictionary<EndpointAnnotation, int> _targetPorts = new();

    public IResource Resource => resource;

    /// <summary>Eight lower-case letters.</summary>
    public string Suffix { get; } = RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz", 8);

    public string Name => $"{resource.Name}-{Suffix}";

    public SupervisedProcess? Process { get; private set; }

    /// <summary>Completes when the last process has ended and that has been told.</summary>
    public Task End { get; set; } = Task.CompletedTask;

    /// <summary>Whether the process is to end, so that its end is no news.</summary>
    public bool IsStopping { get; set; }

    /// <summary>Null until it has been decided.</summary>
    public bool? RunsInContainer { get; set; }

    /// <summary>Ends what would outlive the process.</summary>
    public Func<Task>? Halt { get; private set; }

    public bool IsRunning => Process is not null && !End.IsCompleted;

    public static IReadOnlyList<string> NamesOf(IResource resource) =>
        resource.TryGetLastAnnotation<InstancesAnnotation>(out var annotation) ? [.. annotation.Instances.Select(i => i.Name)] : [resource.Name];

    public static IReadOnlyList<ResourceInstance> Of(IResource resource) =>
        resource.TryGetLastAnnotation<InstancesAnnotation>(out var annotation) ? annotation.Instances : [];

    public void Begin(SupervisedProcess process, Func<Task>? halt)
    {
        (Process, Halt) = (process, halt);
        IsStopping = false;
    }

    public int? TargetPort(EndpointAnnotation endpoint) => _targetPorts.TryGetValue(endpoint, out var port) ? port : null;

    public void SetTargetPort(EndpointAnnotation endpoint, int port) => _targetPorts[endpoint] = port;
}

sealed class InstancesAnnotation(IReadOnlyList<ResourceInstance> instances) : IResourceAnnotation
{
    public IReadOnlyList<ResourceInstance> Instances => instances;
}

/// <summary>Hides the resource: at once, or when it has ended with one of these exit codes.</summary>
sealed record HiddenAnnotation(IReadOnlyList<int>? OnExitCodes) : IResourceAnnotation;
