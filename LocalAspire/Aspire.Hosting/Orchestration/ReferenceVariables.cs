using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace LocalAspire;

/// <summary>The environment variables through which one resource finds another.</summary>
static class ReferenceVariables
{
    public static void AddConnection(EnvironmentCallbackContext context, IResourceWithConnectionString source, string name, bool optional)
    {
        var flags = FlagsOf(context.Resource);
        if (flags.HasFlag(ReferenceEnvironmentInjectionFlags.ConnectionString))
            context.EnvironmentVariables[source.ConnectionStringEnvironmentVariable ?? $"ConnectionStrings__{name}"] = new ConnectionStringReference(source, optional);
        if (!flags.HasFlag(ReferenceEnvironmentInjectionFlags.ConnectionProperties))
            return;

        var prefix = name.Length == 0 ? "" : $"{Names.Encode(name).ToUpperInvariant()}_";
        foreach (var (property, value) in ConnectionProperties(source))
            context.EnvironmentVariables[$"{prefix}{property.ToUpperInvariant()}"] = value;
    }

    /// <summary>Those of the resource, then those that were added to it; of two with one name the later one counts.</summary>
    public static IEnumerable<KeyValuePair<string, ReferenceExpression>> ConnectionProperties(IResourceWithConnectionString source)
    {
        var properties = new OrderedDictionary<string, ReferenceExpression>(source.GetConnectionProperties(), StringComparer.OrdinalIgnoreCase);
        foreach (var added in source.Annotations.OfType<ConnectionPropertyAnnotation>())
            properties[added.Name] = added.Value;
        return properties;
    }

    public static IEnumerable<IResource> ResourcesIn(object value) => value is IResource resource
        ? [resource]
        : value is IValueWithReferences composite ? composite.References.SelectMany(ResourcesIn) : [];

    /// <summary>Under the scheme where the URL is known, under <c>default</c> in a manifest, which has no URL to look at.</summary>
    public static async Task AddExternalService(EnvironmentCallbackContext context, ExternalServiceResource service)
    {
        var flags = FlagsOf(context.Resource);
        var variable = Names.Encode(service.Name).ToUpperInvariant();
        var (scheme, value) = service.UrlParameter is null
            ? (service.Uri!.Scheme, (object)service.Uri.ToString())
            : (context.ExecutionContext.IsPublishMode ? "default" : (await service.GetUriAsync(context.CancellationToken)).Scheme, service.UrlParameter);
        if (flags.HasFlag(ReferenceEnvironmentInjectionFlags.Endpoints))
            context.EnvironmentVariables[service.UrlParameter is null ? variable : $"{variable}_{scheme.ToUpperInvariant()}"] = value;
        if (flags.HasFlag(ReferenceEnvironmentInjectionFlags.ServiceDiscovery))
            context.EnvironmentVariables[$"services__{service.Name}__{scheme}__0"] = value;
    }

    public static void AddEndpoints(EnvironmentCallbackContext context, EndpointReferenceAnnotation reference, string? alias)
    {
        var flags = FlagsOf(context.Resource);
        var name = alias ?? reference.Resource.Name;
        var prefix = alias is null ? Names.Encode(name).ToUpperInvariant() : Names.Encode(name);
        foreach (var endpoint in reference.Resource.GetEndpoints(reference.ContextNetworkId).Where(e => IsWanted(reference, e)))
        {
            // An endpoint of the default name goes by its scheme, so that a switch to TLS shows.
            var key = endpoint.EndpointName is "http" or "https" ? endpoint.Scheme : endpoint.EndpointName;
            if (flags.HasFlag(ReferenceEnvironmentInjectionFlags.Endpoints))
                context.EnvironmentVariables[$"{prefix}_{Names.Encode(endpoint.EndpointName).ToUpperInvariant()}"] = endpoint;
            if (flags.HasFlag(ReferenceEnvironmentInjectionFlags.ServiceDiscovery))
                context.EnvironmentVariables[NextFree(context, $"services__{name}__{key}__")] = endpoint;
        }
    }

    static bool IsWanted(EndpointReferenceAnnotation reference, EndpointReference endpoint) =>
        reference.EndpointNames.Contains(endpoint.EndpointName)
        || (reference.UseAllEndpoints && !endpoint.EndpointAnnotation.ExcludeReferenceEndpoint);

    static string NextFree(EnvironmentCallbackContext context, string prefix)
    {
        var index = 0;
        while (context.EnvironmentVariables.ContainsKey(prefix + index.ToString(CultureInfo.InvariantCulture)))
            index++;
        return prefix + index.ToString(CultureInfo.InvariantCulture);
    }

    static ReferenceEnvironmentInjectionFlags FlagsOf(IResource resource) =>
        resource.TryGetLastAnnotation<ReferenceEnvironmentInjectionAnnotation>(out var annotation) ? annotation.Flags : ReferenceEnvironmentInjectionFlags.All;
}
