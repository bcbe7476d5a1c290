using Aspire.Dashboard.Api;
using Aspire.Dashboard.Otlp;
using Aspire.Dashboard.Query;
using Aspire.Dashboard.Resources;
using Aspire.Dashboard.Store;

namespace Aspire.Dashboard.Ui;

/// <summary>What the pages ask for. Not for anybody else: it changes with them.</summary>
static class UiApi
{
    // Often enough to look live, seldom enough to cost nothing.
    static readonly TimeSpan BetweenChanges = TimeSpan.FromMilliseconds(250);

    public static void MapUi(this IEndpointRouteBuilder routes)
    {
        var ui = routes.MapGroup("/api/ui");
        ui.MapGet("/info", GetInfo);
        ui.MapGet("/changes", FollowChangesAsync);
        ui.MapGet("/logs", GetLogs);
        ui.MapGet("/logs/{sequence:long}", GetLog);
        ui.MapGet("/fields", GetFields);
        ui.MapDelete("/telemetry", ClearTelemetry);
        ui.MapResources();
        ui.MapTraces();
        ui.MapMetrics();
    }

    static IResult GetInfo(DashboardOptions options) => Results.Json(new
    {
        options.ApplicationName,
        OtlpGrpcUrl = options.Otlp.GrpcEndpointUrl,
        OtlpHttpUrl = options.Otlp.HttpEndpointUrl,
        options.Frontend.MaxConsoleLogCount,
    }, UiJson.Options);

    static Task FollowChangesAsync(HttpContext context, ResourceDirectory resources, TraceStore traces, LogStore logs, MetricStore metrics, TimeProvider clock) =>
        NdJson.RunAsync(context, async stream =>
        {
            while (true)
            {
                var next = Task.WhenAny(resources.Changes.Next, traces.Changes.Next, logs.Changes.Next, metrics.Changes.Next);
                stream.Write(json =>
                {
                    json.WriteStartObject();
                    json.WriteNumber("resources", resources.Changes.Version);
                    json.WriteNumber("traces", traces.Changes.Version);
                    json.WriteNumber("logs", logs.Changes.Version);
                    json.WriteNumber("metrics", metrics.Changes.Version);
                    json.WriteEndObject();
                });
                await stream.FlushAsync();
                await Task.Delay(BetweenChanges, clock, stream.Stop);
                await stream.WaitAsync(next);
            }
        });

    static IResult GetLogs(LogStore store, [AsParameters] LogQuery query)
    {
        var all = store.Snapshot();
        var (matched, logs) = query.Run(all);
        return Results.Json(new { Total = all.Length, Matched = matched, Logs = logs.Select(log => LogView.Of(log, log.Message)) }, UiJson.Options);
    }

    static IResult GetLog(LogStore store, long sequence)
    {
        if (store.Snapshot().FirstOrDefault(log => log.Sequence == sequence) is not { } log)
            return Results.Problem(title: "Log record not found", detail: "It is not kept any more.", statusCode: StatusCodes.Status404NotFound);
        var message = log.Message;
        return Results.Json(new
        {
            Log = LogView.Of(log, message),
            Observed = Times.Unix(message.ObservedTimeUnixNano),
            message.Flags,
            ExceptionText = LogFields.ExceptionText(message),
            Attributes = AttributeView.Of(message.Attributes),
            ScopeAttributes = AttributeView.Of(log.Scope.Message.Attributes),
            ResourceAttributes = AttributeView.Of(log.Resource.Message.Attributes),
        }, UiJson.Options);
    }

    /// <summary>Names for completion, taken from the newest of what there is.</summary>
    static IResult GetFields(TraceStore traces, LogStore logs, string? of)
    {
        const int looked = 2_000;
        var (known, attributes) = of switch
        {
            "spans" => (SpanFields.Known, traces.AllSpans().TakeLast(looked).SelectMany(span => (IEnumerable<KeyValue>)span.Message.Attributes)),
            "logs" => (LogFields.Known, logs.Snapshot().TakeLast(looked).SelectMany(log => (IEnumerable<KeyValue>)log.Message.Attributes)),
            _ => throw new BadQueryException("of must be spans or logs."),
        };
        return Results.Json(new { Fields = known.Concat(attributes.Select(a => a.Key).Distinct().Order(StringComparer.Ordinal)).Distinct() }, UiJson.Options);
    }

    static IResult ClearTelemetry(TraceStore traces, LogStore logs, MetricStore metrics, string? of, string? resource)
    {
        if (of is not ("traces" or "logs" or "metrics" or "all"))
            throw new BadQueryException("of must be traces, logs, metrics or all.");
        Func<TelemetryResource, bool>? which = string.IsNullOrEmpty(resource) ? null : candidate => candidate.Answers(resource);
        if (of is "traces" or "all")
            traces.Clear(which);
        if (of is "logs" or "all")
            logs.Clear(which);
        if (of is "metrics" or "all")
            metrics.Clear(which);
        return Results.NoContent();
    }
}

sealed record LogView(
    long Seq, double Time, string Resource, string Instance, Severity Severity, string Message, string Scope, string? Event, string? TraceId, string? SpanId, bool Exception)
{
    public static LogView Of(StoredLog log, LogRecord message) => new(
        log.Sequence, Times.Unix(log.Time), log.Resource.Name, log.Resource.InstanceName, log.Severity, LogFields.Message(message), log.Scope.Name, LogFields.Event(message),
        LogFields.Get(log, message, "traceId"), LogFields.Get(log, message, "spanId"), LogFields.HasException(message));
}
