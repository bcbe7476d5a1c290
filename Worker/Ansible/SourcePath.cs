namespace AspireJobs.Worker.Ansible;

/// <summary>Paths inside a source that come from a request, and links that come from the source itself.</summary>
internal static class SourcePath
{
    // As many as Linux follows before it calls it a loop.
    const int MostLinks = 40;

    /// <summary>
    /// The real path, free of links, of something that exists inside <paramref name="root"/>. Null if it does not exist, or
    /// if it, or a link on the way, leads out of the root.
    /// </summary>
    public static string? Resolve(string root, string relative)
    {
        if (relative.Contains('\0') || Path.IsPathRooted(relative) || Real(root) is not { } realRoot)
            return null;
        return Real(Path.Combine(realRoot, relative)) is { } real && IsInside(realRoot, real) ? real : null;
    }

    static bool IsInside(string root, string path) => path == root || path.StartsWith(root.TrimEnd('/') + '/', StringComparison.Ordinal);

    // Path.GetFullPath folds ".." before it knows what is a link, so walk.
    static string? Real(string path)
    {
        var left = new Stack<string>(Parts(path).Reverse());
        var links = 0;
        var real = "/";
        while (left.TryPop(out var part))
        {
            if (part == "..")
            {
                real = Path.GetDirectoryName(real) ?? "/";
                continue;
            }
            var next = new FileInfo(Path.Combine(real, part));
            if (next.LinkTarget is { } target)
            {
                if (++links > MostLinks)
                    return null;
                if (Path.IsPathRooted(target))
                    real = "/";
                foreach (var step in Parts(target).Reverse())
                    left.Push(step);
                continue;
            }
            if (!Path.Exists(next.FullName))
                return null;
            real = next.FullName;
        }
        return real;
    }

    static IEnumerable<string> Parts(string path) => path.Split('/').Where(part => part is not ("" or "."));
}
