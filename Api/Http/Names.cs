using System.Text.RegularExpressions;

namespace AspireJobs.Api.Http;

/// <summary>The form of the names that callers give to things.</summary>
static partial class Names
{
    /// <summary>What is wrong with a name, as half a sentence, or null.</summary>
    public static string? Fault(string? name) =>
        name is not null && Form().IsMatch(name) ? null : "must be 1 to 63 letters, digits, dots, dashes or underscores, and begin with a letter or digit";

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\z")]
    private static partial Regex Form();
}
