namespace AspireJobs.Api.Http;

static class HeadRequests
{
    /// <summary>Answers HEAD wherever GET is answered, as RFC 9110 wants it. The handler writes its body all the same: the server keeps it back.</summary>
    public static TBuilder AnswerHead<TBuilder>(this TBuilder routes) where TBuilder : IEndpointConventionBuilder
    {
        routes.Add(endpoint =>
        {
            if (endpoint.Metadata.OfType<IHttpMethodMetadata>().Any(route => route.HttpMethods.Contains(HttpMethods.Get)))
                endpoint.Metadata.Add(new HttpMethodMetadata([HttpMethods.Get, HttpMethods.Head]));
        });
        return routes;
    }
}
