using System.Net.Mime;
using System.Text.Json;
using Aspire.Dashboard.Api;
using Aspire.Dashboard.Otlp;
using Aspire.Dashboard.Query;
using Aspire.Dashboard.Resources;
using Aspire.Dashboard.Store;

namespace Aspire.Dashboard.Ui;

static class TraceEndpoints
{
    const int DefaultLimit = 100;

    public static void MapTraces(this IEndpointRouteBuilder ui)
    {
        ui.MapGet("/traces", GetTraces);
        ui.MapGet("/traces/{traceId}", GetTrace);
        ui.MapGet("/traces/{traceId}/export", Export);
        ui.MapPost("/import", ImportAsync);
    }

    static IResult GetTraces(TraceStore store, TimeProvider clock, [AsParameters] TraceQuery query)
    {
        var found = query.Run(store);
        var now = clock.GetUtcNow();
        return Results.Json(new
        {
            Total = store.Count,
            Matched = found.Count,
            Longest = found.Count == 0 ? 0 : Times.Milliseconds(found.Max(t => t.Summary.Duration)),
            Traces = found.Skip(query.Offset ?? 0).Take(query.Limit ?? DefaultLimit).Select(t => TraceListItem.Of(t.Trace, t.Summary, now)),
        }, UiJson.Options);
    }

    static IResult GetTrace(TraceStore store, LogStore logs, ResourceDirectory resources, TimeProvider clock, string traceId)
    {
        if (!Ids.TryTrace(traceId, out var id) || store.Find(id) is not var (trace, spans))
            return NotFound(traceId);

        var summary = trace.Summarize(spans);
        var item = TraceListItem.Of(trace, summary, clock.GetUtcNow());
        return Results.Json(new TraceView(
            item.Id, item.Name, item.Resource, item.Start, item.Duration, item.Errors, item.Growing, Times.Unix(trace.ReceivedAt), item.Resources,
            [.. TraceTree.Build(spans.Span).Select(node => SpanView.Of(node, summary.Start, store, resources.Resolve))],
            LogsOf(logs, id).OrderBy(log => log.Time).Select(log => TraceLogView.Of(log, summary.Start))), UiJson.Options);
    }

    static IResult Export(HttpContext context, TraceStore store, LogStore logs, string traceId)
    {
        if (!Ids.TryTrace(traceId, out var id) || store.Find(id) is not var (_, spans))
            return NotFound(traceId);

        context.Response.Headers.ContentDisposition = $"attachment; filename=\"trace-{Ids.Text(id)}.json\"";
        return Results.Stream(async body =>
        {
            await using var json = new Utf8JsonWriter(body, new() { Indented = true });
            json.WriteStartObject();
            OtlpDocument.WriteSpans(json, spans.ToArray());
            OtlpDocument.WriteLogs(json, LogsOf(logs, id));
            json.WriteEndObject();
        }, MediaTypeNames.Application.Json);
    }

    /// <summary>Takes what an export gave, ours or Aspire's, or any other OTLP JSON.</summary>
    static async Task<IResult> ImportAsync(HttpContext context, OtlpSignals signals, DashboardOptions options)
    {
        try
        {
            using var body = await OtlpBody.ReadAsync(context.Request.Body, context.Request.Headers.ContentEncoding, options.Otlp.MaxRequestBytes, context.RequestAborted);
            var documents = await ImportFile.ReadAsync(body.Bytes, options.Otlp.MaxRequestBytes, context.RequestAborted);
            var spans = documents.SelectMany(d => d.Traces.ResourceSpans).SelectMany(r => r.ScopeSpans).SelectMany(s => s.Spans).ToArray();
            var logs = documents.Sum(d => d.Logs.ResourceLogs.Sum(r => r.ScopeLogs.Sum(s => s.LogRecords.Count)));
            var rejected = documents.SelectMany(d => new[] { signals.Add(d.Traces), signals.Add(d.Logs), signals.Add(d.Metrics) }).ToArray();
            return Results.Json(new
            {
                Spans = spans.Length,
                Logs = logs,
                Rejected = rejected.Sum(r => r.Rejected),
                Reason = rejected.Select(r => r.Reason).FirstOrDefault(reason => reason is not null),
                TraceIds = spans.Where(s => s.TraceId.Length == 16).Select(s => Convert.ToHexStringLower(s.TraceId.Span)).Distinct(),
            }, UiJson.Options);
        }
        catch (OtlpFormatException e)
        {
            return Results.Problem(title: "Not OTLP", detail: e.Message, statusCode: StatusCodes.Status400BadRequest);
        }
        catch (OtlpTooLargeException e)
        {
            return Results.Problem(title: "Too large", detail: e.Message, statusCode: StatusCodes.Status413PayloadTooLarge);
        }
    }

    static IEnumerable<StoredLog> LogsOf(LogStore logs, UInt128 trace) => logs.Snapshot().Where(log => log.TraceId == trace);

    static IResult NotFound(string traceId) =>
        Results.Problem(title: "Trace not found", detail: $"There is no trace '{traceId}', or it is not kept any more.", statusCode: StatusCodes.Status404NotFound);
}
