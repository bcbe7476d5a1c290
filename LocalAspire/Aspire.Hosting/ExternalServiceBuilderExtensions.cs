using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using LocalAspire;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

public static class ExternalServiceBuilderExtensions
{
    /// <exception cref="ArgumentException">The URL is not absolute, or it has a path or a fragment.</exception>
    public static IResourceBuilder<ExternalServiceResource> AddExternalService(this IDistributedApplicationBuilder builder, [ResourceName] string name, string url)
    {
        ArgumentNullException.ThrowIfNull(url);
        return ExternalServiceResource.IsValid(url, out var uri, out var fault)
            ? builder.AddExternalService(name, uri)
            : throw new ArgumentException($"The external service URL '{url}' is invalid: {fault}", nameof(url));
    }

    /// <inheritdoc cref="AddExternalService(IDistributedApplicationBuilder, string, string)"/>
    public static IResourceBuilder<ExternalServiceResource> AddExternalService(this IDistributedApplicationBuilder builder, [ResourceName] string name, Uri uri) =>
        Add(builder, new ExternalServiceResource(name, uri)).WithUrl(uri.ToString());

    /// <summary>A service whose URL is known when the application runs.</summary>
    public static IResourceBuilder<ExternalServiceResource> AddExternalService(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, IResourceBuilder<ParameterResource> urlParameter)
    {
        ArgumentNullException.ThrowIfNull(urlParameter);
        return Add(builder, new ExternalServiceResource(name, urlParameter.Resource));
    }

    /// <summary>The service is healthy while this path answers with this status.</summary>
    /// <param name="builder">The service.</param>
    /// <param name="path">Relative; null for the URL of the service itself.</param>
    /// <param name="statusCode">The one status that counts as healthy; null for 200.</param>
    public static IResourceBuilder<ExternalServiceResource> WithHttpHealthCheck(this IResourceBuilder<ExternalServiceResource> builder, string? path = null, int? statusCode = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var service = builder.Resource;
        if (path is not null && !Uri.IsWellFormedUriString(path, UriKind.Relative))
            throw new ArgumentException($"The path '{path}' is not a valid relative URL.", nameof(path));
        if (service.Uri is { Scheme: not ("http" or "https") })
            throw new ArgumentException($"The URL '{service.Uri}' for external service '{service.Name}' cannot be used for HTTP health checks because it has a non-HTTP scheme.", nameof(builder));

        var status = statusCode ?? 200;
        var key = string.Create(CultureInfo.InvariantCulture, $"{service.Name}_external{(path is null ? "" : $"_{path}")}_{status}_check");
        builder.ApplicationBuilder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            key,
            services => new HttpHealthCheck(
                services.GetRequiredService<HealthHttpClient>(),
                async ct => path is null ? await service.GetUriAsync(ct) : new Uri(await service.GetUriAsync(ct), path),
                status),
            failureStatus: null,
            tags: null));
        return builder.WithHealthCheck(key);
    }

    static IResourceBuilder<ExternalServiceResource> Add(IDistributedApplicationBuilder builder, ExternalServiceResource resource)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddResource(resource)
            .WithInitialState(new() { ResourceType = "ExternalService", State = KnownResourceStates.Waiting, Properties = [] })
            .ExcludeFromManifest()
            .OnInitializeResource(InitializeAsync);
    }

    static async Task InitializeAsync(ExternalServiceResource service, InitializeResourceEvent e, CancellationToken cancellationToken)
    {
        var uri = await service.GetUriAsync(cancellationToken);
        await e.Eventing.PublishAsync(new BeforeResourceStartedEvent(service, e.Services), cancellationToken);
        await e.Notifications.PublishUpdateAsync(service, s => s with
        {
            State = KnownResourceStates.Running,
            Urls = s.Urls.Any(u => u.Url == uri.ToString()) ? s.Urls : s.Urls.Add(new(null, uri.ToString(), IsInternal: false)),
        });
    }
}
