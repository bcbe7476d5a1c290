using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace AspireJobs.Api.Http;

/// <summary>Writes every problem as <c>application/problem+json</c>, whatever the client says that it accepts. The framework's own writer would then write something else, or nothing.</summary>
sealed class ProblemWriter(IOptions<JsonOptions> json) : IProblemDetailsWriter
{
    public bool CanWrite(ProblemDetailsContext context) => true;

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        Problems.Complete(context);
        // Not the request's own token: a caller who has left would make it a second failure.
        await context.HttpContext.Response.WriteAsJsonAsync(
            context.ProblemDetails, json.Value.SerializerOptions.GetTypeInfo(typeof(ProblemDetails)), "application/problem+json", CancellationToken.None);
    }
}
