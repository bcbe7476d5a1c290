using AspireJobs.Jobs;

namespace AspireJobs.Api.Http;

/// <summary>Answers a GET or a HEAD also when Postgres was restarted since the last request.</summary>
sealed class ReadFilter : IEndpointFilter
{
    public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        HttpMethods.IsGet(context.HttpContext.Request.Method) || HttpMethods.IsHead(context.HttpContext.Request.Method) ? new(JobsDatabase.ReadAsync(() => next(context).AsTask())) : next(context);
}
