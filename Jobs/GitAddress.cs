using System.Text.RegularExpressions;
using AspireJobs.Jobs.Credentials;

namespace AspireJobs.Jobs;

/// <summary>The address of a repository, checked: nothing in it can become an option, a command or another kind of transport.</summary>
/// <param name="Text">As the caller gave it.</param>
/// <param name="Scheme"><c>https</c>, <c>http</c> or <c>ssh</c>.</param>
/// <param name="User">The user in it, if any.</param>
/// <param name="Host">Host, with the port if the address has one.</param>
public sealed partial record GitAddress(string Text, string Scheme, string? User, string Host)
{
    /// <summary>Whether git speaks ssh to it.</summary>
    public bool IsSsh => Scheme == "ssh";

    /// <summary>The type of credential that opens it; no other does.</summary>
    public CredentialType CredentialType => IsSsh ? CredentialType.SshKey : CredentialType.Password;

    /// <summary>Reads an address; false if it is none of the allowed forms, or carries a password, a query or a fragment.</summary>
    public static bool TryParse(string? text, out GitAddress address)
    {
        address = null!;
        if (text is null)
            return false;
        var match = Full().Match(text) is { Success: true } full ? full : Scp().Match(text);
        if (!match.Success)
            return false;
        address = new(text, match.Groups["scheme"] is { Success: true } scheme ? scheme.Value : "ssh",
            match.Groups["user"] is { Success: true } user ? user.Value : null, match.Groups["host"].Value);
        return true;
    }

    /// <summary>
    /// What an address in this repository's <c>.gitmodules</c> means, as git reads it: one that begins with <c>./</c> or <c>../</c> stands beside this
    /// repository, any other for itself. Not checked.
    /// </summary>
    public string Resolve(string written)
    {
        if (!written.StartsWith("./", StringComparison.Ordinal) && !written.StartsWith("../", StringComparison.Ordinal))
            return written;
        var (place, separator, rest) = (Text.TrimEnd('/'), '/', written);
        while (true)
        {
            if (rest.StartsWith("./", StringComparison.Ordinal))
                rest = rest[2..];
            else if (rest.StartsWith("../", StringComparison.Ordinal) && End(place) is >= 0 and var end)
                (place, separator, rest) = (place[..end], place[end], rest[3..]);
            else
                return $"{place}{separator}{rest}";
        }
    }

    static int End(string place) => place.LastIndexOf('/') is >= 0 and var slash ? slash : place.LastIndexOf(':');

    /// <summary>What is wrong with an address that cannot be read, as half a sentence; null for one that can.</summary>
    public static string? Fault(string text) =>
        text.Length > Longest ? $"must be at most {Longest} characters long"
        : TryParse(text, out _) ? null
        : text.StartsWith('-') ? "must not begin with a dash"
        : Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.UserInfo.Length > 0 ? "must not contain a password, or over http a user name; name a credential instead"
        : text.Contains("://", StringComparison.Ordinal) && text.AsSpan().IndexOfAny('?', '#') >= 0 ? "must not have a query or a fragment; a secret belongs into a credential"
        : "must be https://…, http://…, ssh://… or user@host:path";

    const int Longest = 2048;
    const string UserPart = "(?<user>[A-Za-z0-9_][A-Za-z0-9._~%+-]*)";
    const string HostPart = @"[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]";

    // https://git.example.com:8443/team/playbooks.git, ssh://git@example.com/team/playbooks.git
    [GeneratedRegex($@"^((?<scheme>https|http)://|(?<scheme>ssh)://({UserPart}@)?)(?<host>({HostPart})(:[0-9]{{1,5}})?)/[^\s\p{{Cc}}?#]*\z")]
    private static partial Regex Full();

    // git@example.com:team/playbooks.git
    [GeneratedRegex($@"^{UserPart}@(?<host>{HostPart}):(?![-:])[^\s\p{{Cc}}]+\z")]
    private static partial Regex Scp();
}
