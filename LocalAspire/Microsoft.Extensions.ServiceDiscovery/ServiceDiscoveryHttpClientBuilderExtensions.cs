using Microsoft.Extensions.ServiceDiscovery;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Service discovery for <see cref="HttpClient"/>.</summary>
public static class ServiceDiscoveryHttpClientBuilderExtensions
{
    /// <summary>
    /// Resolves the host of every request of this client as a service name: <c>http://api</c>, <c>https+http://api</c> (schemes in
    /// order of preference) or <c>http://_endpoint.api</c>. Several endpoints take turns.
    /// </summary>
    public static IHttpClientBuilder AddServiceDiscovery(this IHttpClientBuilder httpClientBuilder)
    {
        ArgumentNullException.ThrowIfNull(httpClientBuilder);
        httpClientBuilder.Services.AddServiceDiscovery();
        return httpClientBuilder.AddHttpMessageHandler(services =>
            new ResolvingHttpHandler(services.GetRequiredService<ServiceEndpoints>()));
    }
}
