using System.Text.RegularExpressions;

namespace AspireJobs.Jobs;

/// <summary>Names of branches, tags and commits.</summary>
public static partial class GitRef
{
    /// <summary>Whether a text can be nothing else: no option and no refspec.</summary>
    public static bool IsValid(string text) => Name().IsMatch(text);

    /// <summary>Whether it is a commit's full name.</summary>
    public static bool IsCommit(string text) => Commit().IsMatch(text);

    [GeneratedRegex(@"^(?![-+])(?!.*(\.\.|@\{))[^\s\p{Cc}~^:?*\[\\]+\z")]
    private static partial Regex Name();

    [GeneratedRegex(@"^[0-9a-f]{40}\z")]
    private static partial Regex Commit();
}
