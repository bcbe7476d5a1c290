using System.Text.Json;
using Aspire.Dashboard.Query;
using Aspire.Dashboard.Store;

namespace Aspire.Dashboard.Api;

/// <summary>Aspire's HTTP API for telemetry: OTLP JSON, or with <c>follow=true</c> one document a line as things come.</summary>
static class TelemetryApi
{
    const int DefaultSpans = 200, DefaultTraces = 100;

    public static void MapTelemetryApi(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api/telemetry");
        api.MapGet("/resources", GetResources);
        api.MapGet("/spans", GetSpansAsync);
        api.MapGet("/logs", GetLogsAsync);
        api.MapGet("/traces", GetTraces);
        api.MapGet("/traces/{traceId}", GetTrace);
    }

    static IResult GetResources(ResourceCatalog resources)
    {
        var all = resources.All.ToList();
        return Results.Json(all.Select(resource => new
        {
            name = resource.Name,
            instanceId = resource.InstanceId,
            displayName = all.Count(other => other.Name == resource.Name) == 1 ? resource.Name : resource.InstanceName,
            hasLogs = resource.Logs > 0,
            hasTraces = resource.Spans > 0,
            hasMetrics = resource.HasMetrics,
        }));
    }

    static async Task<IResult> GetSpansAsync(
        HttpContext context, TraceStore store, ResourceCatalog resources, string? resource, string? traceId, bool? hasError, int? limit, bool? follow)
    {
        if (Unknown(resources, resource) is { } unknown)
            return unknown;
        var id = Parse(traceId);
        if (follow is not true)
        {
            var found = store.AllSpans().Where(Fits).ToList();
            return Document(found.Count, [.. found.TakeLast(limit ?? DefaultSpans)], OtlpDocument.WriteSpans);
        }

        var (spans, follower) = store.Follow();
        using (follower)
            await FollowAsync(context, spans.Where(Fits), follower.Reader, Fits, span => OtlpDocumentOf(json => OtlpDocument.WriteSpans(json, [span])));
        return Results.Empty;

        bool Fits(StoredSpan span) => (resource is null || span.Resource.Answers(resource)) && (id is null || span.TraceId == id) && (hasError is null || span.IsError == hasError);
    }

    static async Task<IResult> GetLogsAsync(HttpContext context, LogStore store, ResourceCatalog resources, [AsParameters] LogQuery query, bool? follow)
    {
        if (Unknown(resources, query.Resource) is { } unknown)
            return unknown;
        if (follow is not true)
        {
            var (matched, shown) = query.Run(store.Snapshot());
            return Document(matched, shown, OtlpDocument.WriteLogs);
        }

        var fits = query.Compile();
        var (logs, follower) = store.Follow();
        using (follower)
            await FollowAsync(context, logs.Where(fits), follower.Reader, fits, log => OtlpDocumentOf(json => OtlpDocument.WriteLogs(json, [log])));
        return Results.Empty;
    }

    static IResult GetTraces(TraceStore store, ResourceCatalog resources, string? resource, bool? hasError, int? limit)
    {
        if (Unknown(resources, resource) is { } unknown)
            return unknown;
        var found = new TraceQuery { Resource = resource, HasError = hasError, Descending = false }.Run(store);
        var shown = found.TakeLast(limit ?? DefaultTraces).ToList();
        return Results.Stream(body => WriteAsync(body, found.Count, shown.Count, json => OtlpDocument.WriteSpans(json, shown.SelectMany(t => t.Trace.Spans.ToArray()))), "application/json");
    }

    static IResult GetTrace(TraceStore store, string traceId) => Ids.TryTrace(traceId, out var id) && store.Find(id) is { } found
        ? Document(found.Spans.Length, found.Spans.ToArray(), OtlpDocument.WriteSpans)
        : Results.Problem(title: "Trace not found", detail: $"There is no trace '{traceId}'.", statusCode: StatusCodes.Status404NotFound);

    static async Task FollowAsync<T>(
        HttpContext context, IEnumerable<T> known, System.Threading.Channels.ChannelReader<T> arrivals, Func<T, bool> fits, Func<T, Action<Utf8JsonWriter>> document)
    {
        await NdJson.RunAsync(context, async stream =>
        {
            await stream.WriteAllAsync(known, item => stream.Write(document(item)));
            await stream.FollowAsync(arrivals, item =>
            {
                if (fits(item))
                    stream.Write(document(item));
            });
        });
    }

    static Action<Utf8JsonWriter> OtlpDocumentOf(Action<Utf8JsonWriter> write) => json =>
    {
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
    };

    static IResult Document<T>(int total, IReadOnlyCollection<T> items, Action<Utf8JsonWriter, IEnumerable<T>> write) =>
        Results.Stream(body => WriteAsync(body, total, items.Count, json => write(json, items)), "application/json");

    static async Task WriteAsync(Stream body, int total, int returned, Action<Utf8JsonWriter> write)
    {
        await using var json = new Utf8JsonWriter(body);
        json.WriteStartObject();
        json.WriteStartObject("data");
        write(json);
        json.WriteEndObject();
        json.WriteNumber("totalCount", total);
        json.WriteNumber("returnedCount", returned);
        json.WriteEndObject();
    }

    static UInt128? Parse(string? traceId) => string.IsNullOrEmpty(traceId) ? null
        : Ids.TryTrace(traceId, out var id) ? id : throw new BadQueryException("traceId must have 32 hexadecimal digits.");

    static IResult? Unknown(ResourceCatalog resources, string? name) => string.IsNullOrEmpty(name) || resources.All.Any(r => r.Answers(name))
        ? null
        : Results.Problem(title: "Resource not found", detail: $"No resource '{name}' has sent telemetry.", statusCode: StatusCodes.Status404NotFound);
}
