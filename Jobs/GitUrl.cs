using System.Text.RegularExpressions;

namespace AspireJobs.Jobs;

/// <summary>Which git URLs are taken: https, http and ssh, also in the short form <c>user@host:path</c>. Everything else, such as <c>file:</c>, <c>ext::</c> or an option, is refused.</summary>
public static partial class GitUrl
{
    /// <summary>What is wrong with the URL, as half a sentence, or null.</summary>
    public static string? Fault(string url)
    {
        if (url.Length is 0 or > 2048)
            return "must be 1 to 2,048 characters long";
        if (url[0] == '-')
            return "must not begin with a dash";
        if (url.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)))
            return "must not contain spaces or control characters";
        if (ShortForm().IsMatch(url))
            return null;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http" or "ssh"))
            return "must be https://…, http://…, ssh://… or user@host:path";
        if (uri.Host.Length == 0 || uri.Host[0] == '-')
            return "must name a host";
        return uri.UserInfo.Contains(':') ? "must not contain a password; name a credential instead" : null;
    }

    // The part before the colon has no slash and no second colon, so that no "ext::" or "scheme://" gets through.
    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^:-][^:]*$", RegexOptions.NonBacktracking)]
    private static partial Regex ShortForm();
}
