using Aspire.Hosting.ApplicationModel;
using LocalAspire;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <summary>Gives the destination the connection string of the source, and its parts, as environment variables.</summary>
    /// <param name="builder">The destination.</param>
    /// <param name="source">Whose connection string.</param>
    /// <param name="connectionName">Replaces the name of the source in <c>ConnectionStrings__{name}</c>.</param>
    /// <param name="optional">Whether the destination may start without a value.</param>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithConnectionString> source, string? connectionName = null, bool optional = false)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(source);
        var resource = source.Resource;
        return Relate(builder, resource)
            .WithEnvironment(context => ReferenceVariables.AddConnection(context, resource, connectionName ?? resource.Name, optional));
    }

    /// <summary>Lets the destination find the source by service discovery.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(source);
        return ReferenceEndpoints(builder, source.Resource, endpointName: null, alias: null);
    }

    /// <summary>Lets the destination find the source by service discovery under another name.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source, string name)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentException.ThrowIfNullOrEmpty(name);
        return ReferenceEndpoints(builder, source.Resource, endpointName: null, alias: name);
    }

    /// <summary>Lets the destination find a service outside of the application by service discovery.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, string name, Uri uri)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(uri);
        if (!uri.IsAbsoluteUri || uri.AbsolutePath != "/")
            throw new InvalidOperationException($"The URI of the service '{name}' must be absolute and have no path.");

        return builder.WithEnvironment(context =>
        {
            context.EnvironmentVariables[$"services__{name}__default__0"] = uri.ToString();
            context.EnvironmentVariables[name] = uri.ToString();
        });
    }

    /// <summary>Lets the destination find a service outside of the application by service discovery.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<ExternalServiceResource> externalService)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(externalService);
        var service = externalService.Resource;
        return Relate(builder, service).WithEnvironment(context => ReferenceVariables.AddExternalService(context, service));
    }

    /// <summary>Lets the destination find one endpoint of a resource by service discovery.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, EndpointReference endpointReference)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(endpointReference);
        return ReferenceEndpoints(builder, endpointReference.Resource, endpointReference.EndpointName, alias: null);
    }

    public static IResourceBuilder<TDestination> WithReferenceEnvironment<TDestination>(this IResourceBuilder<TDestination> builder, ReferenceEnvironmentInjectionFlags flags)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithAnnotation(new ReferenceEnvironmentInjectionAnnotation(flags), ResourceAnnotationMutationBehavior.Replace);
    }

    static IResourceBuilder<T> ReferenceEndpoints<T>(IResourceBuilder<T> builder, IResourceWithEndpoints source, string? endpointName, string? alias)
        where T : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(builder);
        var known = builder.Resource.Annotations.OfType<EndpointReferenceAnnotation>().FirstOrDefault(a => a.Resource == source);
        var reference = known ?? new EndpointReferenceAnnotation(source);
        if (endpointName is null)
            reference.UseAllEndpoints = true;
        else
            reference.EndpointNames.Add(endpointName);
        if (known is not null)
            return builder;

        return Relate(builder.WithAnnotation(reference), source)
            .WithEnvironment(context => ReferenceVariables.AddEndpoints(context, reference, alias));
    }

    static IResourceBuilder<T> Relate<T>(IResourceBuilder<T> builder, IResource resource, string type = "Reference")
        where T : IResource => builder.WithAnnotation(new ResourceRelationshipAnnotation(resource, type));
}
