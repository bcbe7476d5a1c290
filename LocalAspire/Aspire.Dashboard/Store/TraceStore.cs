using Aspire.Dashboard.Otlp;
using Google.Protobuf;

namespace Aspire.Dashboard.Store;

/// <summary>The newest traces. Readers get lists that do not change any more, so that they hold nobody up.</summary>
sealed class TraceStore(ResourceCatalog resources, TelemetryLimitOptions limits, TimeProvider clock)
{
    const int MaxSharedNames = 4_096;

    readonly Lock _lock = new();
    readonly Dictionary<UInt128, StoredTrace> _traces = [];
    readonly Queue<StoredTrace> _byAge = new();
    readonly Dictionary<string, string> _names = [];
    readonly Dictionary<(UInt128, ulong), List<StoredSpan>> _linking = [];
    long _bytes, _sequence;

    public ChangeSignal Changes { get; } = new();

    public Feed<StoredSpan> Arrivals { get; } = new();

    public int Count
    {
        get
        {
            lock (_lock)
                return _traces.Count;
        }
    }

    public IngestResult Add(TracesData data)
    {
        var result = new IngestResult();
        var spans = Decode(data, result);
        var now = clock.GetUtcNow();
        lock (_lock)
        {
            foreach (var span in spans)
                Add(span, now, result);
            while (_traces.Count > limits.MaxTraceCount || _bytes > limits.MaxBytes)
                RemoveOldest();
        }
        if (spans.Count > 0)
            Changes.Raise();
        return result;
    }

    /// <summary>Every trace with its spans of this moment, in the order in which they began to arrive.</summary>
    public List<(StoredTrace Trace, ReadOnlyMemory<StoredSpan> Spans)> Snapshot()
    {
        lock (_lock)
            return [.. _byAge.Select(trace => (trace, trace.Spans))];
    }

    /// <summary>Every span in the order in which they came, and those that come from now on.</summary>
    public (List<StoredSpan> Spans, Feed<StoredSpan>.Follower Follower) Follow()
    {
        lock (_lock)
            return (Flatten(_byAge.Select(trace => trace.Spans)), Arrivals.Follow());
    }

    public List<StoredSpan> AllSpans() => Flatten(Snapshot().Select(t => t.Spans));

    /// <returns>Nothing when there is no such trace.</returns>
    public (StoredTrace Trace, ReadOnlyMemory<StoredSpan> Spans)? Find(UInt128 id)
    {
        lock (_lock)
            return _traces.TryGetValue(id, out var trace) ? (trace, trace.Spans) : null;
    }

    public StoredSpan? FindSpan(UInt128 traceId, ulong id)
    {
        if (Find(traceId) is not { } found)
            return null;
        foreach (var span in found.Spans.Span)
        {
            if (span.Id == id)
                return span;
        }
        return null;
    }

    /// <summary>The spans that have a link to this one.</summary>
    public IReadOnlyList<StoredSpan> LinkingTo(UInt128 traceId, ulong id)
    {
        lock (_lock)
            return _linking.TryGetValue((traceId, id), out var spans) ? [.. spans] : [];
    }

    /// <param name="resource">Null for everything.</param>
    public void Clear(Func<TelemetryResource, bool>? resource)
    {
        lock (_lock)
        {
            foreach (var trace in _traces.Values.ToArray())
            {
                foreach (var sender in trace.Spans.ToArray().Select(span => span.Resource).Distinct().Where(sender => resource?.Invoke(sender) != false))
                {
                    Unlink(trace.Spans.ToArray().Where(span => span.Resource == sender));
                    _bytes -= trace.Bytes;
                    trace.Remove(sender);
                    _bytes += trace.Bytes;
                }
                if (trace.Spans.IsEmpty)
                    _traces.Remove(trace.Id);
            }
            var left = _byAge.Where(trace => !trace.Spans.IsEmpty).ToArray();
            _byAge.Clear();
            foreach (var trace in left)
                _byAge.Enqueue(trace);
        }
        Changes.Raise();
    }

    List<StoredSpan> Decode(TracesData data, IngestResult result)
    {
        var spans = new List<StoredSpan>();
        foreach (var ofResource in data.ResourceSpans)
        {
            var resource = resources.Find(ofResource.Resource);
            foreach (var ofScope in ofResource.ScopeSpans)
            {
                if (resource?.Scope(ofScope.Scope) is not { } scope)
                {
                    result.Reject(ofScope.Spans.Count, "There are too many resources or scopes.");
                    continue;
                }
                foreach (var span in ofScope.Spans)
                {
                    if (Ids.TryTrace(span.TraceId, out var traceId) && Ids.TrySpan(span.SpanId, out var id))
                        spans.Add(new(Limit(span), traceId, id, scope, span.ToByteArray()) { Name = span.Name });
                    else
                        result.Reject(1, "A span needs a trace id of 16 bytes and a span id of 8 bytes, neither of them all zero.");
                }
            }
        }
        return spans;
    }

    Span Limit(Span span)
    {
        AttributeLimits.Apply(span.Attributes, limits);
        while (span.Events.Count > limits.MaxSpanEventCount)
            span.Events.RemoveAt(span.Events.Count - 1);
        foreach (var item in span.Events)
            AttributeLimits.Apply(item.Attributes, limits);
        foreach (var link in span.Links)
            AttributeLimits.Apply(link.Attributes, limits);
        return span;
    }

    void Add(StoredSpan span, DateTimeOffset now, IngestResult result)
    {
        if (!_traces.TryGetValue(span.TraceId, out var trace))
        {
            trace = _traces[span.TraceId] = new(span.TraceId);
            _byAge.Enqueue(trace);
        }
        // One endless trace must not push all the others out.
        if (trace.Bytes + span.Bytes > limits.MaxBytes / 2)
        {
            result.Reject(1, $"Trace {Ids.Text(trace.Id)} is too large: a trace may take half of Dashboard:TelemetryLimits:MaxBytes.");
            return;
        }
        if (!trace.TryAdd(span, now))
            return;

        span.Sequence = ++_sequence;
        span.Name = Shared(span.Name);
        _bytes += span.Bytes;
        span.Resource.CountSpans(1);
        if (span.HasLinks)
            Link(span);
        Arrivals.Publish(span);
    }

    /// <summary>Names repeat: the same text is kept once, but for names that never repeat.</summary>
    string Shared(string name)
    {
        if (_names.TryGetValue(name, out var known))
            return known;
        if (_names.Count < MaxSharedNames)
            _names[name] = name;
        return name;
    }

    void Link(StoredSpan span)
    {
        foreach (var target in Targets(span))
        {
            if (!_linking.TryGetValue(target, out var spans))
                _linking[target] = spans = [];
            spans.Add(span);
        }
    }

    void Unlink(IEnumerable<StoredSpan> spans)
    {
        foreach (var span in spans)
        {
            span.Resource.CountSpans(-1);
            foreach (var target in span.HasLinks ? Targets(span) : [])
            {
                if (_linking.TryGetValue(target, out var linking) && linking.Remove(span) && linking.Count == 0)
                    _linking.Remove(target);
            }
        }
    }

    void RemoveOldest()
    {
        var trace = _byAge.Dequeue();
        _traces.Remove(trace.Id);
        _bytes -= trace.Bytes;
        Unlink(trace.Spans.ToArray());
    }

    static IEnumerable<(UInt128, ulong)> Targets(StoredSpan span) => span.Message.Links
        .Select(link => (Ids.TryTrace(link.TraceId, out var trace) ? trace : 0, Ids.TrySpan(link.SpanId, out var id) ? id : 0)).Distinct();

    static List<StoredSpan> Flatten(IEnumerable<ReadOnlyMemory<StoredSpan>> traces)
    {
        var all = new List<StoredSpan>();
        foreach (var spans in traces)
            all.AddRange(spans.Span);
        all.Sort((a, b) => a.Sequence.CompareTo(b.Sequence));
        return all;
    }
}
