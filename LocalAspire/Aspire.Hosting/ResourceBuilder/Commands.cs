using Aspire.Hosting.ApplicationModel;
using LocalAspire;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <summary>Adds a command, or replaces the one of the same name.</summary>
    public static IResourceBuilder<T> WithCommand<T>(
        this IResourceBuilder<T> builder,
        string name,
        string displayName,
        Func<ExecuteCommandContext, Task<ExecuteCommandResult>> executeCommand,
        CommandOptions? commandOptions = null)
        where T : IResource
    {
        ArgumentNullException.ThrowIfNull(builder);
        var options = commandOptions ?? new();
        foreach (var old in builder.Resource.Annotations.OfType<ResourceCommandAnnotation>().Where(a => a.Name == name).ToArray())
            builder.Resource.Annotations.Remove(old);
        return builder.WithAnnotation(new ResourceCommandAnnotation(
            name, displayName, options.UpdateState ?? (_ => ResourceCommandState.Enabled), executeCommand, options.Description, parameter: null,
            options.ConfirmationMessage, options.IconName, options.IconVariant, options.IsHighlighted)
        {
            Visibility = options.Visibility,
        });
    }

    /// <summary>Adds a command that sends a request to an endpoint of the resource. It is enabled while the resource is healthy.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="path">The path of the request.</param>
    /// <param name="displayName">What the operator sees.</param>
    /// <param name="endpointName">Null for the first of https and http that exists at this moment.</param>
    /// <param name="commandName">Null for one that is made of the resource, the endpoint, the method and the path.</param>
    /// <param name="commandOptions">Null for a POST whose status alone counts.</param>
    /// <exception cref="DistributedApplicationException">There is no such endpoint, or it is not an HTTP endpoint.</exception>
    public static IResourceBuilder<TResource> WithHttpCommand<TResource>(
        this IResourceBuilder<TResource> builder,
        string path,
        string displayName,
        [EndpointName] string? endpointName = null,
        string? commandName = null,
        HttpCommandOptions? commandOptions = null)
        where TResource : IResourceWithEndpoints
    {
        ArgumentNullException.ThrowIfNull(builder);
        var endpoint = commandOptions?.EndpointSelector?.Invoke() ?? HttpEndpoint(builder, endpointName, "HTTP command");
        return builder.WithHttpCommand(path, displayName, () => endpoint, commandName, commandOptions);
    }

    /// <inheritdoc cref="WithHttpCommand{TResource}(IResourceBuilder{TResource}, string, string, string, string, HttpCommandOptions)"/>
    public static IResourceBuilder<TResource> WithHttpCommand<TResource>(
        this IResourceBuilder<TResource> builder,
        string path,
        string displayName,
        Func<EndpointReference>? endpointSelector,
        string? commandName = null,
        HttpCommandOptions? commandOptions = null)
        where TResource : IResourceWithEndpoints
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(path);
        var endpoint = endpointSelector?.Invoke() ?? HttpEndpoint(builder, null, "HTTP command");
        RequireHttp(builder.Resource, endpoint, "HTTP command");
        var options = commandOptions ?? new();
        options.UpdateState ??= context => context.ResourceSnapshot.HealthStatus is HealthStatus.Healthy ? ResourceCommandState.Enabled : ResourceCommandState.Disabled;
        builder.ApplicationBuilder.Services.AddHttpClient();
        var name = commandName ?? $"{builder.Resource.Name}-{endpoint.EndpointName}-http-{(options.Method ?? HttpMethod.Post).Method.ToLowerInvariant()}-{path}";
        return builder.WithCommand(name, displayName, context => HttpCommand.SendAsync(context, endpoint, path, options), options);
    }

    static EndpointReference HttpEndpoint<T>(IResourceBuilder<T> builder, string? endpointName, string purpose)
        where T : IResourceWithEndpoints
    {
        string[] names = endpointName is null ? ["https", "http"] : [endpointName];
        return names.Select(builder.GetEndpoint).FirstOrDefault(e => e.Exists) ?? throw new DistributedApplicationException(
            $"Could not create {purpose} for resource '{builder.Resource.Name}' as no endpoint was found matching one of the specified names: {string.Join(", ", names)}");
    }

    static void RequireHttp(IResource resource, EndpointReference endpoint, string purpose)
    {
        if (endpoint.Scheme is not ("http" or "https"))
        {
            throw new DistributedApplicationException(
                $"Could not create {purpose} for resource '{resource.Name}' as the endpoint with name '{endpoint.EndpointName}' and scheme '{endpoint.Scheme}' is not an HTTP endpoint.");
        }
    }
}
