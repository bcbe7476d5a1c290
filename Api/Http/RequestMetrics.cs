using AspireJobs.Jobs;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;

namespace AspireJobs.Api.Http;

/// <summary>Records <c>ansible_api_request_duration_seconds</c>, and for those who want it a line in the log. Probes and streams opt out by the framework's own switch for HTTP metrics.</summary>
sealed class RequestMetrics(RequestDelegate next, TimeProvider time, ILogger<RequestMetrics> log)
{
    // Methods are chosen by callers, so unknown ones share a label value.
    static readonly HashSet<string> Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

    public async Task InvokeAsync(HttpContext context)
    {
        var start = time.GetTimestamp();
        try
        {
            await next(context);
        }
        finally
        {
            if (!OptedOut(context))
                Record(
                    time.GetElapsedTime(start).TotalSeconds,
                    Methods.Contains(context.Request.Method) ? context.Request.Method : "_OTHER",
                    Route(context),
                    context.Response.StatusCode);
        }
    }

    void Record(double seconds, string method, string endpoint, int statusCode)
    {
        JobsTelemetry.RequestAnswered(seconds, method, endpoint, statusCode);
        log.HttpRequest(method, endpoint, statusCode, Math.Round(seconds, 6));
    }

    static bool OptedOut(HttpContext context) =>
        context.Features.Get<IHttpMetricsTagsFeature>() is { MetricsDisabled: true } ||
        Endpoint(context)?.Metadata.GetMetadata<IDisableHttpMetricsMetadata>() is not null;

    static string Route(HttpContext context) =>
        Endpoint(context) is not RouteEndpoint { RoutePattern.RawText: { } route } ? "unmatched"
        : route is ['/', .., not '/'] ? route
        : "/" + route.Trim('/');

    // The exception handler clears the endpoint and keeps it in its feature.
    static Endpoint? Endpoint(HttpContext context) => context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint;
}
