namespace AspireJobs.Jobs;

/// <summary>Paths that callers give are relative, use <c>/</c>, and never lead out of the source.</summary>
public static class SourcePath
{
    /// <summary>What is wrong with the path, as half a sentence, or null. Symbolic links are checked where the source is.</summary>
    public static string? Fault(string path)
    {
        if (path.Length is 0 or > 1024)
            return "must be 1 to 1,024 characters long";
        if (path.Any(char.IsControl))
            return "must not contain control characters";
        if (path[0] == '/' || path.Contains('\\'))
            return "must be relative to the source, with / between folders";
        if (path[0] == '-')
            return "must not begin with a dash";
        return path.Split('/').Contains("..") ? "must not lead out of the source" : null;
    }
}
