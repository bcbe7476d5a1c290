namespace Aspire.Dashboard.Store;

/// <summary>A trace as the list shows it.</summary>
/// <param name="Start">Nanoseconds since 1970.</param>
/// <param name="RootMissing">Whether a span that others name as their parent has not come.</param>
sealed record TraceSummary(
    UInt128 Id, StoredSpan Root, ulong Start, ulong End, int Spans, int Errors, IReadOnlyList<ResourceShare> Resources, bool RootMissing)
{
    public ulong Duration => End - Start;

    public static TraceSummary Of(UInt128 id, ReadOnlySpan<StoredSpan> spans)
    {
        var (first, start, end, errors) = (spans[0], ulong.MaxValue, 0ul, 0);
        StoredSpan? root = null;
        var ids = new HashSet<ulong>(spans.Length);
        var shares = new Dictionary<string, (int Spans, int Errors, ulong Start)>();
        foreach (var span in spans)
        {
            ids.Add(span.Id);
            (start, end) = (Math.Min(start, span.Start), Math.Max(end, span.End));
            if (span.Start < first.Start)
                first = span;
            if (span.ParentId == 0 && (root is null || span.Start < root.Start))
                root = span;
            errors += span.IsError ? 1 : 0;
            var share = shares.GetValueOrDefault(span.Resource.Name, (0, 0, ulong.MaxValue));
            shares[span.Resource.Name] = (share.Item1 + 1, share.Item2 + (span.IsError ? 1 : 0), Math.Min(share.Item3, span.Start));
        }

        var rootMissing = false;
        foreach (var span in spans)
            rootMissing |= span.ParentId != 0 && !ids.Contains(span.ParentId);
        return new(id, root ?? first, start, end, spans.Length, errors,
            [.. shares.OrderBy(s => s.Value.Start).Select(s => new ResourceShare(s.Key, s.Value.Spans, s.Value.Errors))], rootMissing);
    }
}

sealed record ResourceShare(string Name, int Spans, int Errors);
