using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <remarks>A container needs Docker or Podman to start; without one it is part of the model and of the manifest.</remarks>
public static class ContainerResourceBuilderExtensions
{
    public static IResourceBuilder<ContainerResource> AddContainer(this IDistributedApplicationBuilder builder, [ResourceName] string name, string image)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(image);
        return builder.AddResource(new ContainerResource(name)).WithImage(image);
    }

    public static IResourceBuilder<ContainerResource> AddContainer(this IDistributedApplicationBuilder builder, [ResourceName] string name, string image, string tag)
    {
        ArgumentException.ThrowIfNullOrEmpty(tag);
        return builder.AddContainer(name, image).WithImageTag(tag);
    }

    /// <summary>A container whose image is built from a Dockerfile when it is published.</summary>
    public static IResourceBuilder<ContainerResource> AddDockerfile(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, string contextPath, string? dockerfilePath = null, string? stage = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddResource(new ContainerResource(name)).WithDockerfile(contextPath, dockerfilePath, stage);
    }

    public static IResourceBuilder<T> WithVolume<T>(this IResourceBuilder<T> builder, string? name, string target, bool isReadOnly = false)
        where T : ContainerResource => Mount(builder, name, target, ContainerMountType.Volume, isReadOnly);

    /// <summary>A volume that goes with the container.</summary>
    public static IResourceBuilder<T> WithVolume<T>(this IResourceBuilder<T> builder, string target)
        where T : ContainerResource => Mount(builder, null, target, ContainerMountType.Volume, isReadOnly: false);

    /// <param name="builder">The container.</param>
    /// <param name="source">A path of this machine, absolute or relative to the AppHost's directory.</param>
    /// <param name="target">The path in the container.</param>
    /// <param name="isReadOnly">Whether the container may only read.</param>
    public static IResourceBuilder<T> WithBindMount<T>(this IResourceBuilder<T> builder, string source, string target, bool isReadOnly = false)
        where T : ContainerResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(source);
        return Mount(builder, FullPath(builder, source), target, ContainerMountType.BindMount, isReadOnly);
    }

    public static IResourceBuilder<T> WithEntrypoint<T>(this IResourceBuilder<T> builder, string entrypoint)
        where T : ContainerResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(entrypoint);
        builder.Resource.Entrypoint = entrypoint;
        return builder;
    }

    /// <summary>Sets the image; what the reference itself says of registry, tag or digest counts.</summary>
    /// <param name="builder">The container.</param>
    /// <param name="image">Such as <c>redis</c>, <c>docker.io/library/redis:8.6</c>.</param>
    /// <param name="tag">Null for <c>latest</c>; not beside a tag or a digest in <paramref name="image"/>.</param>
    public static IResourceBuilder<T> WithImage<T>(this IResourceBuilder<T> builder, string image, string? tag = null)
        where T : ContainerResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(image);
        var (registry, name, ownTag, digest) = Split(image);
        if (tag is not null && (ownTag ?? digest) is not null)
            throw new InvalidOperationException($"The image '{image}' of the resource '{builder.Resource.Name}' has a tag or digest already; leave out the tag '{tag}'.");

        var annotation = builder.Resource.TryGetLastAnnotation<ContainerImageAnnotation>(out var known) ? known : new() { Image = name };
        if (known is null)
            builder.WithAnnotation(annotation);
        annotation.Image = name;
        annotation.Registry = registry ?? annotation.Registry;
        annotation.SHA256 = digest;
        annotation.Tag = digest is null ? tag ?? ownTag ?? "latest" : null;
        return builder;
    }

    public static IResourceBuilder<T> WithImageTag<T>(this IResourceBuilder<T> builder, string tag)
        where T : ContainerResource => Image(builder, image => (image.Tag, image.SHA256) = (tag, null));

    public static IResourceBuilder<T> WithImageRegistry<T>(this IResourceBuilder<T> builder, string? registry)
        where T : ContainerResource => Image(builder, image => image.Registry = registry);

    public static IResourceBuilder<T> WithImageSHA256<T>(this IResourceBuilder<T> builder, string sha256)
        where T : ContainerResource => Image(builder, image => (image.Tag, image.SHA256) = (null, sha256));

    public static IResourceBuilder<T> WithImagePullPolicy<T>(this IResourceBuilder<T> builder, ImagePullPolicy pullPolicy)
        where T : ContainerResource => Replace(builder, new ContainerImagePullPolicyAnnotation { ImagePullPolicy = pullPolicy });

    public static IResourceBuilder<T> WithLifetime<T>(this IResourceBuilder<T> builder, ContainerLifetime lifetime)
        where T : ContainerResource => Replace(builder, new ContainerLifetimeAnnotation { Lifetime = lifetime });

    public static IResourceBuilder<T> WithContainerName<T>(this IResourceBuilder<T> builder, string name)
        where T : ContainerResource => Replace(builder, new ContainerNameAnnotation { Name = name });

    public static IResourceBuilder<T> WithContainerRuntimeArgs<T>(this IResourceBuilder<T> builder, params string[] args)
        where T : ContainerResource
    {
        ArgumentNullException.ThrowIfNull(args);
        return builder.WithContainerRuntimeArgs(context =>
        {
            foreach (var arg in args)
                context.Args.Add(arg);
        });
    }

    public static IResourceBuilder<T> WithContainerRuntimeArgs<T>(this IResourceBuilder<T> builder, Action<ContainerRuntimeArgsCallbackContext> callback)
        where T : ContainerResource
    {
        ArgumentNullException.ThrowIfNull(callback);
        return builder.WithContainerRuntimeArgs(context =>
        {
            callback(context);
            return Task.CompletedTask;
        });
    }

    public static IResourceBuilder<T> WithContainerRuntimeArgs<T>(this IResourceBuilder<T> builder, Func<ContainerRuntimeArgsCallbackContext, Task> callback)
        where T : ContainerResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithAnnotation(new ContainerRuntimeArgsCallbackAnnotation(callback));
    }

    public static IResourceBuilder<T> WithEndpointProxySupport<T>(this IResourceBuilder<T> builder, bool proxyEnabled)
        where T : ContainerResource => Replace(builder, new ProxySupportAnnotation { ProxyEnabled = proxyEnabled });

    /// <summary>Builds the image from a Dockerfile.</summary>
    /// <param name="builder">The container.</param>
    /// <param name="contextPath">Absolute, or relative to the AppHost's directory.</param>
    /// <param name="dockerfilePath">Absolute, or relative to the context; null for <c>Dockerfile</c>.</param>
    /// <param name="stage">Null for the last stage.</param>
    public static IResourceBuilder<T> WithDockerfile<T>(this IResourceBuilder<T> builder, string contextPath, string? dockerfilePath = null, string? stage = null)
        where T : ContainerResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(contextPath);
        var context = FullPath(builder, contextPath);
        var build = new DockerfileBuildAnnotation(context, Path.GetFullPath(Path.Combine(context, dockerfilePath ?? "Dockerfile")), stage)
        {
            ImageName = builder.Resource.Name,
            ImageTag = "latest",
        };
        if (!builder.Resource.HasAnnotationOfType<ContainerImageAnnotation>())
            builder.WithImage(builder.Resource.Name);
        return Replace(builder, build);
    }

    /// <exception cref="InvalidOperationException">There is no Dockerfile.</exception>
    public static IResourceBuilder<T> WithBuildArg<T>(this IResourceBuilder<T> builder, string name, object? value)
        where T : ContainerResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (!builder.Resource.TryGetLastAnnotation<DockerfileBuildAnnotation>(out var build))
            throw new InvalidOperationException($"The resource '{builder.Resource.Name}' is not built from a Dockerfile; call WithDockerfile before WithBuildArg.");
        build.BuildArguments[name] = value;
        return builder;
    }

    public static IResourceBuilder<T> WithBuildArg<T>(this IResourceBuilder<T> builder, string name, IResourceBuilder<ParameterResource> value)
        where T : ContainerResource
    {
        ArgumentNullException.ThrowIfNull(value);
        return builder.WithBuildArg(name, (object?)value.Resource);
    }

    /// <summary>Writes the resource into the manifest as a container, which it is anyway unless something else was said before.</summary>
    public static IResourceBuilder<T> PublishAsContainer<T>(this IResourceBuilder<T> builder)
        where T : ContainerResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithManifestPublishingCallback(context => context.WriteContainerAsync(builder.Resource));
    }

    // registry.example:5000/team/image:tag or ...@sha256:digest; the first part is a registry when it looks like a host.
    static (string? Registry, string Name, string? Tag, string? Digest) Split(string image)
    {
        string? registry = null, tag = null, digest = null;
        if (image.IndexOf("@sha256:", StringComparison.Ordinal) is >= 0 and var at)
            (image, digest) = (image[..at], image[(at + "@sha256:".Length)..]);
        if (image.LastIndexOf(':') is >= 0 and var colon && colon > image.LastIndexOf('/'))
            (image, tag) = (image[..colon], image[(colon + 1)..]);
        if (image.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash && (image[..slash].AsSpan().IndexOfAny('.', ':') >= 0 || image[..slash] == "localhost"))
            (registry, image) = (image[..slash], image[(slash + 1)..]);
        return (registry, image, tag, digest);
    }

    static string FullPath<T>(IResourceBuilder<T> builder, string path)
        where T : IResource => Path.GetFullPath(Path.Combine(builder.ApplicationBuilder.AppHostDirectory, path));

    static IResourceBuilder<T> Mount<T>(IResourceBuilder<T> builder, string? source, string target, ContainerMountType type, bool isReadOnly)
        where T : ContainerResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(target);
        return builder.WithAnnotation(new ContainerMountAnnotation(source, target, type, isReadOnly));
    }

    static IResourceBuilder<T> Image<T>(IResourceBuilder<T> builder, Action<ContainerImageAnnotation> change)
        where T : ContainerResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (!builder.Resource.TryGetLastAnnotation<ContainerImageAnnotation>(out var image))
            throw new InvalidOperationException($"The resource '{builder.Resource.Name}' does not have a container image specified. Use WithImage to specify the container image.");
        change(image);
        return builder;
    }

    static IResourceBuilder<T> Replace<T, TAnnotation>(IResourceBuilder<T> builder, TAnnotation annotation)
        where T : IResource
        where TAnnotation : IResourceAnnotation
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithAnnotation(annotation, ResourceAnnotationMutationBehavior.Replace);
    }
}
