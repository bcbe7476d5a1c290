namespace Aspire.Dashboard.Store;

/// <summary>A trace as the list shows it.</summary>
/// <param name="Start">Nanoseconds since 1970.</param>
/// <param name="Missing">What is known of spans that others name as their parent and that have not come.</param>
sealed record TraceSummary(
    UInt128 Id, StoredSpan Root, ulong Start, ulong End, int Spans, int Errors, IReadOnlyList<ResourceShare> Resources, MissingParent Missing)
{
    // Of a span's flags: whether it is told that the parent is another process's, and what is told.
    const uint HasIsRemote = 0x100, IsRemote = 0x200;

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

        var missing = MissingParent.None;
        foreach (var span in spans)
        {
            if (missing != MissingParent.Local && span.ParentId != 0 && !ids.Contains(span.ParentId))
                missing = (span.Message.Flags & (HasIsRemote | IsRemote)) == HasIsRemote ? MissingParent.Local : MissingParent.Perhaps;
        }
        return new(id, root ?? first, start, end, spans.Length, errors,
            [.. shares.OrderBy(s => s.Value.Start).Select(s => new ResourceShare(s.Key, s.Value.Spans, s.Value.Errors))], missing);
    }
}

/// <summary>Local: a span of the same process, which sends it when it ends. Perhaps: maybe somebody's who never sends any.</summary>
enum MissingParent { None, Perhaps, Local }

sealed record ResourceShare(string Name, int Spans, int Errors);
