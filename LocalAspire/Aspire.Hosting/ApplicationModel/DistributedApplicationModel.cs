using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel;

public interface IResourceCollection : IList<IResource>
{
    /// <summary>Finds without regard to case.</summary>
    bool TryGetByName(string name, [NotNullWhen(true)] out IResource? resource);
}

public class DistributedApplicationModel(IResourceCollection resources)
{
    public DistributedApplicationModel(IEnumerable<IResource> resources) : this(new ResourceCollection(resources)) { }

    public IResourceCollection Resources { get; } = resources;
}

/// <summary>Lets a resource be changed step by step, and converts to the builder of any of its base types.</summary>
public interface IResourceBuilder<out T>
    where T : IResource
{
    IDistributedApplicationBuilder ApplicationBuilder { get; }

    T Resource { get; }

    IResourceBuilder<T> WithAnnotation<TAnnotation>(TAnnotation annotation, ResourceAnnotationMutationBehavior behavior = ResourceAnnotationMutationBehavior.Append)
        where TAnnotation : IResourceAnnotation;

    IResourceBuilder<T> WithAnnotation<TAnnotation>(ResourceAnnotationMutationBehavior behavior = ResourceAnnotationMutationBehavior.Append)
        where TAnnotation : IResourceAnnotation, new() => WithAnnotation(new TAnnotation(), behavior);
}

sealed class ResourceBuilder<T>(IDistributedApplicationBuilder applicationBuilder, T resource) : IResourceBuilder<T>
    where T : IResource
{
    public IDistributedApplicationBuilder ApplicationBuilder => applicationBuilder;

    public T Resource => resource;

    public IResourceBuilder<T> WithAnnotation<TAnnotation>(TAnnotation annotation, ResourceAnnotationMutationBehavior behavior)
        where TAnnotation : IResourceAnnotation
    {
        ArgumentNullException.ThrowIfNull(annotation);
        if (behavior == ResourceAnnotationMutationBehavior.Replace)
        {
            foreach (var old in Resource.Annotations.OfType<TAnnotation>().ToArray())
                Resource.Annotations.Remove(old);
        }
        Resource.Annotations.Add(annotation);
        return this;
    }
}

sealed class ResourceCollection(IEnumerable<IResource> resources) : List<IResource>(resources), IResourceCollection
{
    public bool TryGetByName(string name, [NotNullWhen(true)] out IResource? resource)
    {
        resource = Find(candidate => string.Equals(candidate.Name, name, StringComparison.OrdinalIgnoreCase));
        return resource is not null;
    }
}

public enum ResourceDependencyDiscoveryMode
{
    Recursive,
    DirectOnly,
}

public static class ResourceExtensions
{
    public static bool TryGetLastAnnotation<T>(this IResource resource, [NotNullWhen(true)] out T? annotation)
        where T : IResourceAnnotation
    {
        ArgumentNullException.ThrowIfNull(resource);
        annotation = resource.Annotations.OfType<T>().LastOrDefault();
        return annotation is not null;
    }

    public static bool TryGetAnnotationsOfType<T>(this IResource resource, [NotNullWhen(true)] out IEnumerable<T>? result)
        where T : IResourceAnnotation
    {
        ArgumentNullException.ThrowIfNull(resource);
        var found = resource.Annotations.OfType<T>().ToArray();
        result = found.Length > 0 ? found : null;
        return result is not null;
    }

    public static bool HasAnnotationOfType<T>(this IResource resource)
        where T : IResourceAnnotation
    {
        ArgumentNullException.ThrowIfNull(resource);
        return resource.Annotations.OfType<T>().Any();
    }

    /// <summary>Whether the resource, or one of those it belongs to, has such an annotation.</summary>
    public static bool HasAnnotationIncludingAncestorsOfType<T>(this IResource resource)
        where T : IResourceAnnotation => resource.TryGetAnnotationsIncludingAncestorsOfType<T>(out _);

    /// <summary>Those of the resource, then those of its parent, and so on.</summary>
    public static bool TryGetAnnotationsIncludingAncestorsOfType<T>(this IResource resource, [NotNullWhen(true)] out IEnumerable<T>? result)
        where T : IResourceAnnotation
    {
        ArgumentNullException.ThrowIfNull(resource);
        var found = new List<T>();
        for (var current = resource; current is not null; current = (current as IResourceWithParent)?.Parent)
            found.AddRange(current.Annotations.OfType<T>());
        result = found.Count > 0 ? found : null;
        return result is not null;
    }

    /// <summary>Whether a deployment has to build an image of the resource first.</summary>
    public static bool RequiresImageBuild(this IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return !resource.IsExcludedFromPublish() && (resource is ProjectResource || resource.HasAnnotationOfType<DockerfileBuildAnnotation>());
    }

    /// <summary>Whether a deployment has to push an image of the resource too: an image without an entry point is a part of others only.</summary>
    public static bool RequiresImageBuildAndPush(this IResource resource) =>
        resource.RequiresImageBuild() && (!resource.TryGetLastAnnotation<DockerfileBuildAnnotation>(out var build) || build.HasEntrypoint);

    public static bool TryGetEndpoints(this IResource resource, [NotNullWhen(true)] out IEnumerable<EndpointAnnotation>? endpoints) =>
        resource.TryGetAnnotationsOfType(out endpoints);

    public static IEnumerable<EndpointReference> GetEndpoints(this IResourceWithEndpoints resource) =>
        resource.Annotations.OfType<EndpointAnnotation>().Select(endpoint => new EndpointReference(resource, endpoint));

    /// <summary>The endpoints with their addresses in a network.</summary>
    public static IEnumerable<EndpointReference> GetEndpoints(this IResourceWithEndpoints resource, NetworkIdentifier contextNetworkId) =>
        resource.Annotations.OfType<EndpointAnnotation>().Select(endpoint => new EndpointReference(resource, endpoint, contextNetworkId));

    public static EndpointReference GetEndpoint(this IResourceWithEndpoints resource, string endpointName) => new(resource, endpointName);

    public static EndpointReference GetEndpoint(this IResourceWithEndpoints resource, string endpointName, NetworkIdentifier contextNetworkId) =>
        new(resource, endpointName, contextNetworkId);

    /// <summary>The image as a container engine takes it: registry, name, and tag or digest.</summary>
    public static bool TryGetContainerImageName(this IResource resource, [NotNullWhen(true)] out string? imageName) =>
        resource.TryGetContainerImageName(useBuiltImage: true, out imageName);

    /// <inheritdoc cref="TryGetContainerImageName(IResource, out string)"/>
    public static bool TryGetContainerImageName(this IResource resource, bool useBuiltImage, [NotNullWhen(true)] out string? imageName)
    {
        if (useBuiltImage && resource.TryGetLastAnnotation<DockerfileBuildAnnotation>(out var build) && !string.IsNullOrEmpty(build.ImageName))
            imageName = string.IsNullOrEmpty(build.ImageTag) ? build.ImageName : $"{build.ImageName}:{build.ImageTag}";
        else if (resource.TryGetLastAnnotation<ContainerImageAnnotation>(out var image))
        {
            var registry = string.IsNullOrEmpty(image.Registry) ? "" : $"{image.Registry}/";
            var version = image switch
            {
                { SHA256.Length: > 0 } => $"@sha256:{image.SHA256}",
                { Tag.Length: > 0 } => $":{image.Tag}",
                _ => "",
            };
            imageName = $"{registry}{image.Image}{version}";
        }
        else
            imageName = null;
        return imageName is not null;
    }

    public static bool TryGetUrls(this IResource resource, [NotNullWhen(true)] out IEnumerable<ResourceUrlAnnotation>? urls) =>
        resource.TryGetAnnotationsOfType(out urls);

    public static bool TryGetContainerMounts(this IResource resource, [NotNullWhen(true)] out IEnumerable<ContainerMountAnnotation>? volumeMounts) =>
        resource.TryGetAnnotationsOfType(out volumeMounts);

    public static bool TryGetEnvironmentVariables(this IResource resource, [NotNullWhen(true)] out IEnumerable<EnvironmentCallbackAnnotation>? environmentVariables) =>
        resource.TryGetAnnotationsOfType(out environmentVariables);

    public static bool IsExcludedFromPublish(this IResource resource) =>
        resource.TryGetLastAnnotation<ManifestPublishingCallbackAnnotation>(out var annotation) && annotation.Callback is null;

    /// <summary>The ports that the endpoints have when they are published. Those of a project's first HTTP and HTTPS endpoint are left to the deployment.</summary>
    public static IReadOnlyList<ResolvedEndpoint> ResolveEndpoints(this IResource resource, IPortAllocator? portAllocator = null)
    {
        ArgumentNullException.ThrowIfNull(resource);
        portAllocator ??= new PortAllocator();
        var defaults = new HashSet<string>();
        var resolved = new List<ResolvedEndpoint>();
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            var isDefault = resource is ProjectResource && endpoint.UriScheme is "http" or "https" && defaults.Add(endpoint.UriScheme);
            var target = endpoint switch
            {
                { TargetPort: { } given } => ResolvedPort.Explicit(given),
                { Port: { } port } when resource is ContainerResource => ResolvedPort.Implicit(port),
                _ when isDefault => ResolvedPort.None(),
                _ => ResolvedPort.Allocated(portAllocator.AllocatePort()),
            };
            var exposed = (endpoint.Port, target.Value) switch
            {
                ({ } port, { }) => ResolvedPort.Explicit(port),
                (null, { } port) => ResolvedPort.Implicit(port),
                _ when endpoint.UriScheme is "http" or "https" && endpoint.Port is null => ResolvedPort.None(),
                _ => ResolvedPort.Allocated(portAllocator.AllocatePort()),
            };
            foreach (var used in new[] { exposed.Value, target.Value }.OfType<int>())
                portAllocator.AddUsedPort(used);
            resolved.Add(new() { Endpoint = endpoint, TargetPort = target, ExposedPort = exposed });
        }
        return resolved;
    }

    /// <summary>The resources that this one cannot do without, found by asking its callbacks; not the resource itself.</summary>
    /// <param name="resource">The resource.</param>
    /// <param name="executionContext">What the callbacks are told of the application.</param>
    /// <param name="mode">Whether those that the dependencies need in turn count too.</param>
    /// <param name="cancellationToken">Ends the asking.</param>
    public static Task<IReadOnlySet<IResource>> GetResourceDependenciesAsync(
        this IResource resource,
        DistributedApplicationExecutionContext executionContext,
        ResourceDependencyDiscoveryMode mode = ResourceDependencyDiscoveryMode.Recursive,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(resource);
        ArgumentNullException.ThrowIfNull(executionContext);
        return LocalAspire.ResourceDependencies.OfAsync(resource, executionContext, mode is ResourceDependencyDiscoveryMode.Recursive, cancellationToken);
    }

    public static int GetReplicaCount(this IResource resource) =>
        resource.TryGetLastAnnotation<ReplicaAnnotation>(out var replicas) ? replicas.Replicas : 1;
}
