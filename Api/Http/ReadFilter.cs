using AspireJobs.Jobs;

namespace AspireJobs.Api.Http;

/// <summary>Answers a GET also when Postgres was restarted since the last request.</summary>
sealed class ReadFilter : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        HttpMethods.IsGet(context.HttpContext.Request.Method) ? await JobsDatabase.ReadAsync(() => next(context).AsTask()) : await next(context);
}
