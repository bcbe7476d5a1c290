namespace Aspire.Dashboard.Store;

/// <summary>The spans of one trace so far. Only its store adds to it, under the store's lock.</summary>
sealed class StoredTrace(UInt128 id)
{
    // Few spans are searched faster than hashed.
    const int SearchedWithoutIndex = 16;

    StoredSpan[] _spans = new StoredSpan[4];
    int _count;
    HashSet<ulong>? _ids;
    TraceSummary? _summary;

    public UInt128 Id => id;

    public long Bytes { get; private set; }

    public DateTimeOffset ReceivedAt { get; private set; }

    /// <summary>Stays as it is when more spans come: the array is only written behind its end, or replaced.</summary>
    public ReadOnlyMemory<StoredSpan> Spans => _spans.AsMemory(0, _count);

    /// <returns>False when the span is there already, as after an export that was repeated.</returns>
    public bool TryAdd(StoredSpan span, DateTimeOffset now)
    {
        if (Contains(span.Id))
            return false;
        if (_count == _spans.Length)
            Array.Resize(ref _spans, _count * 2);
        _spans[_count++] = span;
        _ids?.Add(span.Id);
        Bytes += span.Bytes;
        ReceivedAt = now;
        return true;
    }

    /// <summary>Drops the spans of a sender.</summary>
    public void Remove(TelemetryResource resource)
    {
        _spans = [.. _spans.Take(_count).Where(span => span.Resource != resource)];
        _count = _spans.Length;
        Array.Resize(ref _spans, Math.Max(_count, 4));
        Bytes = Spans.ToArray().Sum(span => (long)span.Bytes);
        _ids = null;
        _summary = null;
    }

    /// <summary>Computed again when spans have come.</summary>
    public TraceSummary Summarize(ReadOnlyMemory<StoredSpan> spans)
    {
        if (_summary is { } known && known.Spans == spans.Length)
            return known;
        return _summary = TraceSummary.Of(id, spans.Span);
    }

    bool Contains(ulong span)
    {
        if (_count > SearchedWithoutIndex)
            return (_ids ??= [.. _spans.Take(_count).Select(s => s.Id)]).Contains(span);
        foreach (var known in Spans.Span)
        {
            if (known.Id == span)
                return true;
        }
        return false;
    }
}
