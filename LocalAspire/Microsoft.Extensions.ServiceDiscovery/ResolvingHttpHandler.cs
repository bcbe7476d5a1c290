namespace Microsoft.Extensions.ServiceDiscovery;

sealed class ResolvingHttpHandler(ServiceEndpoints endpoints) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var original = request.RequestUri ?? throw new InvalidOperationException("The request has no URI.");
        try
        {
            request.RequestUri = endpoints.Resolve(original);
            return await base.SendAsync(request, cancellationToken);
        }
        finally
        {
            // A handler further out that sends again must resolve again.
            request.RequestUri = original;
        }
    }
}
