using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <summary>Holds the resource back until the dependency runs, is healthy and ready.</summary>
    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
        where T : IResourceWithWaitSupport => Wait(builder, dependency, WaitType.WaitUntilHealthy, null);

    /// <inheritdoc cref="WaitFor{T}(IResourceBuilder{T}, IResourceBuilder{IResource})"/>
    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, WaitBehavior waitBehavior)
        where T : IResourceWithWaitSupport => Wait(builder, dependency, WaitType.WaitUntilHealthy, waitBehavior);

    /// <summary>Holds the resource back until the dependency runs.</summary>
    public static IResourceBuilder<T> WaitForStart<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
        where T : IResourceWithWaitSupport => Wait(builder, dependency, WaitType.WaitUntilStarted, null);

    /// <inheritdoc cref="WaitForStart{T}(IResourceBuilder{T}, IResourceBuilder{IResource})"/>
    public static IResourceBuilder<T> WaitForStart<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, WaitBehavior waitBehavior)
        where T : IResourceWithWaitSupport => Wait(builder, dependency, WaitType.WaitUntilStarted, waitBehavior);

    /// <summary>Holds the resource back until the dependency has ended, and fails it when the exit code is another one.</summary>
    public static IResourceBuilder<T> WaitForCompletion<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, int exitCode = 0)
        where T : IResourceWithWaitSupport => Wait(builder, dependency, WaitType.WaitForCompletion, null, exitCode);

    static IResourceBuilder<T> Wait<T>(IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, WaitType type, WaitBehavior? behavior, int exitCode = 0)
        where T : IResourceWithWaitSupport
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(dependency);
        var resource = dependency.Resource;
        if (ReferenceEquals(builder.Resource, resource))
            throw new DistributedApplicationException($"The '{builder.Resource.Name}' resource cannot wait for itself.");
        if (builder.Resource is IResourceWithParent child && ReferenceEquals(child.Parent, resource))
            throw new DistributedApplicationException($"The '{builder.Resource.Name}' resource cannot wait for its parent '{resource.Name}'.");

        // A child is there when its parent is.
        if (resource is IResourceWithParent { Parent: var parent } && type != WaitType.WaitForCompletion)
            builder.WithAnnotation(new WaitAnnotation(parent, type) { WaitBehavior = behavior });
        Relate(builder, resource, "WaitFor");
        return builder.WithAnnotation(new WaitAnnotation(resource, type, exitCode) { WaitBehavior = behavior });
    }
}
