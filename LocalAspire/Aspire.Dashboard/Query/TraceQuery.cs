using Aspire.Dashboard.Store;
using Microsoft.AspNetCore.Mvc;

namespace Aspire.Dashboard.Query;

/// <summary>What the list of traces is narrowed down to. Durations are milliseconds.</summary>
sealed class TraceQuery
{
    [FromQuery] public string? Resource { get; set; }

    /// <summary>Found in the name of a span or in the text of one of its attributes, or the start of the trace's id.</summary>
    [FromQuery] public string? Text { get; set; }

    [FromQuery] public double? MinDuration { get; set; }

    [FromQuery] public double? MaxDuration { get; set; }

    [FromQuery] public bool? HasError { get; set; }

    [FromQuery] public string? Type { get; set; }

    [FromQuery] public string?[]? Filter { get; set; }

    [FromQuery] public string? Sort { get; set; }

    [FromQuery] public bool? Descending { get; set; }

    [FromQuery] public int? Offset { get; set; }

    [FromQuery] public int? Limit { get; set; }

    /// <summary>The traces that fit, in the wanted order.</summary>
    public List<(StoredTrace Trace, TraceSummary Summary)> Run(TraceStore store)
    {
        var filters = FieldFilter.Parse(Filter ?? []);
        var found = new List<(StoredTrace Trace, TraceSummary Summary)>();
        foreach (var (trace, spans) in store.Snapshot())
        {
            var summary = trace.Summarize(spans);
            if (Fits(summary) && Fits(spans.Span, summary, filters))
                found.Add((trace, summary));
        }
        Comparison<(StoredTrace Trace, TraceSummary Summary)> order = Sort switch
        {
            null or "" or "start" => (a, b) => a.Summary.Start.CompareTo(b.Summary.Start),
            "duration" => (a, b) => a.Summary.Duration.CompareTo(b.Summary.Duration),
            "name" => (a, b) => string.Compare(a.Summary.Root.Name, b.Summary.Root.Name, StringComparison.OrdinalIgnoreCase),
            "spans" => (a, b) => a.Summary.Spans.CompareTo(b.Summary.Spans),
            _ => throw new BadQueryException($"'{Sort}' is not an order. It must be start, duration, name or spans."),
        };
        found.Sort(Descending ?? true ? (a, b) => order(b, a) : order);
        return found;
    }

    bool Fits(TraceSummary trace) =>
        (HasError is not { } error || error == trace.Errors > 0)
        && !(Times.Milliseconds(trace.Duration) < MinDuration)
        && !(Times.Milliseconds(trace.Duration) > MaxDuration);

    bool Fits(ReadOnlySpan<StoredSpan> spans, TraceSummary summary, FieldFilter[] filters)
    {
        if (!string.IsNullOrEmpty(Resource) && !Any(spans, span => span.Resource.Answers(Resource)))
            return false;
        if (!string.IsNullOrEmpty(Text) && !Ids.Text(summary.Id).StartsWith(Text, StringComparison.OrdinalIgnoreCase)
            && !Any(spans, span => span.Name.Contains(Text, StringComparison.OrdinalIgnoreCase) || span.Message.Attributes.Any(a => a.Value?.StringValue.Contains(Text, StringComparison.OrdinalIgnoreCase) is true)))
        {
            return false;
        }
        if (string.IsNullOrEmpty(Type) && filters.Length == 0)
            return true;
        // All conditions on one span: "a request to /jobs that failed", not "a request to /jobs, and something failed".
        return Any(spans, span =>
        {
            var message = span.Message;
            return (string.IsNullOrEmpty(Type) || SpanFields.Type(message) == Type)
                && Array.TrueForAll(filters, filter => filter.Fits(SpanFields.Get(span, message, filter.Field)));
        });
    }

    static bool Any(ReadOnlySpan<StoredSpan> spans, Predicate<StoredSpan> fits)
    {
        foreach (var span in spans)
        {
            if (fits(span))
                return true;
        }
        return false;
    }
}
