using Aspire.Dashboard.Otlp;
using Aspire.Dashboard.Query;
using Aspire.Dashboard.Store;

namespace Aspire.Dashboard.Ui;

sealed record TraceListItem(
    string Id, string Name, string Resource, double Start, double Duration, int Spans, int Errors, IReadOnlyList<ResourceShare> Resources, bool Growing)
{
    // A span comes when it has ended. Until its parent comes too, the parent is at work, and may say nothing for long; but it may also have died, or be nobody's who sends.
    static readonly TimeSpan Silent = TimeSpan.FromMinutes(10), SilentForSome = TimeSpan.FromSeconds(30);

    public static TraceListItem Of(StoredTrace trace, TraceSummary summary, DateTimeOffset now) => new(
        Ids.Text(summary.Id), summary.Root.Name, summary.Root.Resource.Name, Times.Unix(summary.Start), Times.Milliseconds(summary.Duration),
        summary.Spans, summary.Errors, summary.Resources, IsGrowing(trace, summary, now));

    static bool IsGrowing(StoredTrace trace, TraceSummary summary, DateTimeOffset now)
    {
        if (summary.Missing == MissingParent.None)
            return false;
        var silent = summary.Missing == MissingParent.Local ? Silent : SilentForSome;
        // What came long after its end, such as from a file, does not run.
        return now - trace.ReceivedAt < silent && Times.Unix(trace.ReceivedAt) - Times.Unix(summary.End) < silent.TotalMilliseconds;
    }
}

sealed record TraceView(
    string Id, string Name, string Resource, double Start, double Duration, int Errors, bool Growing, double ReceivedAt,
    IReadOnlyList<ResourceShare> Resources, IReadOnlyList<SpanView> Spans, IEnumerable<TraceLogView> Logs);

sealed record TraceLogView(long Seq, double Offset, string? SpanId, string Resource, Severity Severity, string Message, string? Event)
{
    public static TraceLogView Of(StoredLog log, ulong origin)
    {
        var message = log.Message;
        return new(log.Sequence, Times.Offset(origin, log.Time), LogFields.Get(log, message, "spanId"), log.Resource.Name, log.Severity, LogFields.Message(message), LogFields.Event(message));
    }
}

sealed record SpanView(
    string Id, string? Parent, int Depth, string Name, string Kind, string Resource, string Instance, string? Scope, double Offset, double Duration,
    string Status, string? StatusMessage, string Type, string? Peer, bool Missing, IEnumerable<double[]> Critical,
    IEnumerable<AttributeView> Attributes, IEnumerable<EventView> Events, IEnumerable<LinkView> Links, IEnumerable<LinkView> Backlinks)
{
    public static SpanView Of(TraceNode node, ulong origin, TraceStore store, Func<string, string?> resolvePeer)
    {
        var critical = node.Critical.Select(part => new[] { Times.Offset(origin, part.From), Times.Offset(origin, part.To) });
        if (node.Span is not { } span)
        {
            var resource = node.Children[0].Span!.Resource;
            return new(Ids.Text(node.Id), null, node.Depth, "(not received)", "Unspecified", resource.Name, resource.InstanceName, null,
                Times.Offset(origin, node.Start), Times.Milliseconds(node.End - node.Start), "Unset", null, "other", null, true, critical, [], [], [], []);
        }

        var message = span.Message;
        var peer = node.Children.Exists(child => child.Span?.Resource.Name != span.Resource.Name) ? null : SpanFields.Peer(span, message);
        return new(
            Ids.Text(span.Id), span.ParentId == 0 ? null : Ids.Text(span.ParentId), node.Depth, span.Name, SpanFields.Kind(span), span.Resource.Name, span.Resource.InstanceName,
            span.Scope.Name, Times.Offset(origin, span.Start), Times.Milliseconds(span.End - span.Start), SpanFields.Status(message),
            message.Status?.Message is { Length: > 0 } text ? text : null, SpanFields.Type(message), peer is null ? null : resolvePeer(peer) ?? peer, false, critical,
            AttributeView.Of(message.Attributes),
            message.Events.Select(e => new EventView(e.Name, Times.Offset(origin, e.TimeUnixNano), AttributeView.Of(e.Attributes))),
            message.Links.Select(link => LinkView.Of(link, store)),
            store.LinkingTo(span.TraceId, span.Id).Select(LinkView.From));
    }
}

sealed record EventView(string Name, double Offset, IEnumerable<AttributeView> Attributes);

sealed record LinkView(string TraceId, string SpanId, string? Name, string? Resource, IEnumerable<AttributeView> Attributes)
{
    public static LinkView Of(Span.Types.Link link, TraceStore store)
    {
        var target = Ids.TryTrace(link.TraceId, out var trace) && Ids.TrySpan(link.SpanId, out var id) ? store.FindSpan(trace, id) : null;
        return new(Convert.ToHexStringLower(link.TraceId.Span), Convert.ToHexStringLower(link.SpanId.Span), target?.Name, target?.Resource.Name, AttributeView.Of(link.Attributes));
    }

    public static LinkView From(StoredSpan span) => new(Ids.Text(span.TraceId), Ids.Text(span.Id), span.Name, span.Resource.Name, []);
}
