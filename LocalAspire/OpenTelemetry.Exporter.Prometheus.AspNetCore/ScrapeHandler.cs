using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace OpenTelemetry.Exporter.Prometheus;

sealed class ScrapeHandler(PrometheusExporter exporter)
{
    public async Task HandleAsync(HttpContext context)
    {
        var response = context.Response;
        response.Headers.CacheControl = "no-store";
        if (await exporter.CollectAsync(context.RequestAborted) is not { } families)
        {
            // No page is better than half a page: a scrape that fails is visible as up == 0.
            response.StatusCode = StatusCodes.Status500InternalServerError;
            return;
        }

        var format = Negotiate(context.Request.Headers.Accept);
        var body = Encoding.UTF8.GetBytes(ExpositionWriter.Write(families, format.OpenMetrics));
        response.ContentType = format.ContentType;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await response.Body.WriteAsync(body, context.RequestAborted);
    }

    /// <summary>The best of what the client accepts; text 0.0.4, which every Prometheus reads, when it names nothing that is known.</summary>
    static (bool OpenMetrics, string ContentType) Negotiate(IList<string?> accept)
    {
        if (!MediaTypeHeaderValue.TryParseList([.. accept.OfType<string>()], out var wanted))
            wanted = [];
        var best = wanted
            .Where(type => type.Quality != 0 && (IsOpenMetrics(type) || IsText(type)))
            .OrderByDescending(type => type.Quality ?? 1)
            .ThenByDescending(IsOpenMetrics)
            .FirstOrDefault();

        var openMetrics = best is not null && IsOpenMetrics(best);
        var contentType = openMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8";
        // Prometheus 3 says which names it can take, and wants to hear which it gets.
        return (openMetrics, best?.Parameters.Any(p => p.Name == "escaping") == true ? contentType + "; escaping=underscores" : contentType);
    }

    static bool IsOpenMetrics(MediaTypeHeaderValue type) =>
        type.MediaType.Equals("application/openmetrics-text", StringComparison.OrdinalIgnoreCase) && Version(type) is null or "1.0.0";

    static bool IsText(MediaTypeHeaderValue type) =>
        type.MatchesAllTypes || type.MatchesAllSubTypes && type.Type.Equals("text", StringComparison.OrdinalIgnoreCase)
        || type.MediaType.Equals("text/plain", StringComparison.OrdinalIgnoreCase) && Version(type) is null or "0.0.4";

    static string? Version(MediaTypeHeaderValue type) => type.Parameters.FirstOrDefault(p => p.Name == "version")?.GetUnescapedValue().Value;
}
