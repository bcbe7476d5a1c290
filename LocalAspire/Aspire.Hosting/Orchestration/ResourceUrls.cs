using System.Collections.Immutable;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;

namespace LocalAspire;

/// <summary>The addresses that are shown for a resource: those of its endpoints, those added to it, and what callbacks make of them.</summary>
static class ResourceUrls
{
    public static async Task<ImmutableArray<UrlSnapshot>> OfAsync(
        IResource resource, DistributedApplicationExecutionContext executionContext, ILogger logger, CancellationToken cancellationToken)
    {
        var context = new ResourceUrlsCallbackContext(executionContext, resource, cancellationToken: cancellationToken) { Logger = logger };
        if (resource is IResourceWithEndpoints endpoints)
        {
            context.Urls.AddRange(endpoints.GetEndpoints().Where(e => e.IsAllocated).Select(e => new ResourceUrlAnnotation { Url = e.Url, Endpoint = e }));
        }
        context.Urls.AddRange(resource.Annotations.OfType<ResourceUrlAnnotation>());
        foreach (var callback in resource.Annotations.OfType<ResourceUrlsCallbackAnnotation>().ToArray())
            await callback.Callback(context);

        var isRunning = resource is not IResourceWithEndpoints;
        return [.. context.Urls.Select(url => new UrlSnapshot(url.Endpoint?.EndpointName, Absolute(url), url.DisplayLocation is UrlDisplayLocation.DetailsOnly)
        {
            DisplayProperties = new(url.DisplayText ?? ""),
            IsInactive = !isRunning,
        })];
    }

    static string Absolute(ResourceUrlAnnotation url) => url.Endpoint is { IsAllocated: true } endpoint && !Uri.IsWellFormedUriString(url.Url, UriKind.Absolute)
        ? new Uri(new Uri(endpoint.Url), url.Url).ToString()
        : url.Url;
}
