using Aspire.Dashboard.Store;

namespace Aspire.Dashboard.Query;

/// <summary>A span among its relatives. Without a <see cref="Span"/> it stands for a parent that has not come.</summary>
sealed class TraceNode(ulong id, StoredSpan? span)
{
    public ulong Id => id;

    public StoredSpan? Span => span;

    public ulong Start { get; set; } = span?.Start ?? ulong.MaxValue;

    public ulong End { get; set; } = span?.End ?? 0;

    /// <summary>The end of the last of its descendants: what was queued may run long after the span that queued it.</summary>
    public ulong TreeEnd { get; set; } = span?.End ?? 0;

    public int Depth { get; set; }

    public List<TraceNode> Children { get; } = [];

    /// <summary>The parts of the span that the end of the whole trace waited for.</summary>
    public List<(ulong From, ulong To)> Critical { get; } = [];
}

/// <summary>The spans of a trace as a tree. Loops over stacks of its own: a trace may be deeper than a thread's stack.</summary>
static class TraceTree
{
    /// <summary>Every node, parents before children and siblings by their start, with the critical path marked.</summary>
    public static List<TraceNode> Build(ReadOnlySpan<StoredSpan> spans)
    {
        var roots = Connect(spans, out var nodes);
        var order = new List<TraceNode>(nodes.Count);
        var seen = new HashSet<TraceNode>();
        Walk(roots, order, seen);
        // Spans that name each other as parents hang on nothing.
        foreach (var lost in nodes.Values.Where(node => !seen.Contains(node)).OrderBy(node => node.Start).ToArray())
        {
            if (!seen.Contains(lost))
            {
                roots.Add(lost);
                Walk([lost], order, seen);
            }
        }
        for (var i = order.Count - 1; i >= 0; i--)
            order[i].TreeEnd = order[i].Children.Aggregate(order[i].End, (end, child) => Math.Max(end, child.TreeEnd));
        if (order.Count > 0)
            MarkCriticalPath(order.MaxBy(node => node.Depth == 0 ? node.TreeEnd : 0)!);
        return order;
    }

    static List<TraceNode> Connect(ReadOnlySpan<StoredSpan> spans, out Dictionary<ulong, TraceNode> nodes)
    {
        nodes = new(spans.Length);
        foreach (var span in spans)
            nodes[span.Id] = new(span.Id, span);
        var roots = new List<TraceNode>();
        foreach (var node in nodes.Values.ToArray())
        {
            var parentId = node.Span!.ParentId;
            if (parentId == 0)
            {
                roots.Add(node);
                continue;
            }
            if (!nodes.TryGetValue(parentId, out var parent))
            {
                nodes[parentId] = parent = new(parentId, null);
                roots.Add(parent);
            }
            parent.Children.Add(node);
            if (parent.Span is null)
                (parent.Start, parent.End) = (Math.Min(parent.Start, node.Start), Math.Max(parent.End, node.End));
        }
        return roots;
    }

    static void Walk(List<TraceNode> roots, List<TraceNode> order, HashSet<TraceNode> seen)
    {
        var open = new Stack<TraceNode>();
        Push(roots, 0);
        while (open.TryPop(out var node))
        {
            if (!seen.Add(node))
                continue;
            order.Add(node);
            node.Children.RemoveAll(seen.Contains);
            Push(node.Children, node.Depth + 1);
        }

        void Push(List<TraceNode> siblings, int depth)
        {
            siblings.Sort(Order);
            for (var i = siblings.Count - 1; i >= 0; i--)
            {
                siblings[i].Depth = depth;
                open.Push(siblings[i]);
            }
        }
    }

    // Of two that start together the longer one is first.
    static int Order(TraceNode a, TraceNode b) => (a.Start, b.End, a.Id).CompareTo((b.Start, a.End, b.Id));

    /// <summary>
    /// Goes back from the end: what ended last was waited for; before it began, the child that had ended last by then, and so on.
    /// What no child covers is the span's own work.
    /// </summary>
    static void MarkCriticalPath(TraceNode root)
    {
        var open = new Stack<(TraceNode Node, List<TraceNode> Children, int Next, ulong Cursor)>();
        Enter(root);
        while (open.TryPop(out var frame))
        {
            var (node, children, next, cursor) = frame;
            while (next < children.Count && (children[next].TreeEnd > cursor || children[next].Start >= cursor))
                next++;
            if (next == children.Count)
            {
                Mark(node, node.Start, cursor);
                node.Critical.Reverse();
                continue;
            }
            Mark(node, children[next].TreeEnd, cursor);
            open.Push((node, children, next + 1, children[next].Start));
            Enter(children[next]);
        }

        void Enter(TraceNode node) => open.Push((node, [.. node.Children.OrderByDescending(child => child.TreeEnd)], 0, node.TreeEnd));

        static void Mark(TraceNode node, ulong from, ulong to)
        {
            var (start, end) = (Math.Max(from, node.Start), Math.Min(to, node.End));
            if (node.Span is not null && start < end)
                node.Critical.Add((start, end));
        }
    }
}
