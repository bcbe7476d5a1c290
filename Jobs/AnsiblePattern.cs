namespace AspireJobs.Jobs;

/// <summary>Ansible's patterns of hosts and tasks, as far as a caller's must be looked at before Ansible does.</summary>
public static class AnsiblePattern
{
    static readonly char[] Separators = [',', ':'];

    /// <summary>
    /// Whether a limit says which hosts. Not so if all its parts are empty, which Ansible takes for no limit at all; if one is a bare operator, over which
    /// Ansible falls; or if one names a file of the worker.
    /// </summary>
    public static bool IsLimit(string pattern)
    {
        var parts = pattern.Split(Separators, StringSplitOptions.TrimEntries);
        return parts.Any(part => part.Length > 0) && !parts.Any(part => part is "!" or "&" or ['@', ..]);
    }

    /// <summary>A name as a pattern of Ansible's that matches this name only.</summary>
    public static string Literal(string name) => name.Replace("[", "[[]").Replace("*", "[*]").Replace("?", "[?]");
}
