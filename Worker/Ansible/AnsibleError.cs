using System.Text.RegularExpressions;
using AspireJobs.Jobs;

namespace AspireJobs.Worker.Ansible;

/// <summary>
/// What ansible-playbook says when it gives up before its final report. The exit code alone does not tell: 4 is a bad playbook as well as
/// an unreachable host, 2 a bad option as well as a failed task, 1 almost anything.
/// </summary>
internal static partial class AnsibleError
{
    const int LongestMessage = 500;

    /// <summary>The outcome, and a sentence for a person, for the exit code and the end of the log.</summary>
    public static (JobOutcome Outcome, string Message) Read(int exitCode, string log)
    {
        if (exitCode == 2 && Usage().Match(log) is { Success: true } usage)
            return (JobOutcome.UsageError, Sentence($"ansible-playbook refused its options: {usage.Groups[1].Value}"));

        if (Errors().Matches(log).LastOrDefault() is not { } last)
            return (JobOutcome.InternalError, $"ansible-playbook ended with exit code {exitCode} before its final report and without an error message");
        var error = log[(last.Index + last.Length)..];
        if (error.StartsWith("No inventory was parsed", StringComparison.Ordinal))
            return Inventory(Folded(log));
        return (Outcome(exitCode, error), Sentence(Problem(error.Split("\n\n")[0], error)));
    }

    /// <summary>Whether the message of an error or of a failed task says that Ansible Vault could not be opened.</summary>
    public static bool IsVault(string message) => VaultError().IsMatch(message);

    /// <summary>What a failed task says, as one sentence.</summary>
    public static string OfTask(string message) => Sentence(Problem(message.Split("\n\nThe error appears")[0], message));

    static string Sentence(string text)
    {
        text = Folded(text);
        return text.Length <= LongestMessage ? text : text[..LongestMessage] + '…';
    }

    static JobOutcome Outcome(int exitCode, string error) => error switch
    {
        _ when IsVault(error) => JobOutcome.VaultError,
        _ when NoHosts().IsMatch(error) => JobOutcome.NoHostsMatched,
        _ when exitCode == 5 || BadVariables().IsMatch(error) => JobOutcome.UsageError,
        // An accident of Ansible's own processes: a bug, or a process killed for lack of memory.
        _ when Accident().IsMatch(error) => JobOutcome.InternalError,
        _ => JobOutcome.PlaybookInvalid,
    };

    // Why a file is no inventory stands in warnings before the error, one for each format that was tried.
    static (JobOutcome, string) Inventory(string log)
    {
        if (IsVault(log))
            return (JobOutcome.VaultError, "the inventory is encrypted with Ansible Vault and no given password opens it");
        var reason = BadInventory().Matches(log).LastOrDefault() is { } match ? $": {match.Groups[1].Value}" : "";
        return (JobOutcome.InventoryInvalid, Sentence($"the inventory cannot be read{reason}"));
    }

    // The place where the error "appears to be" follows the problem, and after it come guesses and a picture of the line.
    static string Problem(string problem, string error)
    {
        if (YamlError().Match(error) is { Success: true } yaml)
            problem = $"not valid YAML: {yaml.Groups[1].Value}";
        return ErrorPlace().Match(error) is { Success: true } place
            ? $"{problem.Trim()} ({place.Groups[1].Value}, line {place.Groups[2].Value}, column {place.Groups[3].Value})"
            : problem;
    }

    static string Folded(string text) => Blanks().Replace(text, " ").Trim();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    [GeneratedRegex(@"^(?:ERROR! |\[ERROR\]: )", RegexOptions.Multiline)]
    private static partial Regex Errors();

    [GeneratedRegex(@"^ansible-playbook: error: (.+)", RegexOptions.Multiline)]
    private static partial Regex Usage();

    [GeneratedRegex("Attempting to decrypt but no vault secrets found|Decryption failed \\(no vault secrets|A vault password (must be specified|or secret must be specified)")]
    private static partial Regex VaultError();

    [GeneratedRegex("leaves us with no hosts to target|does not match any hosts|^No hosts matched the subscripted pattern")]
    private static partial Regex NoHosts();

    [GeneratedRegex("^(Invalid extra vars|Invalid variable name)")]
    private static partial Regex BadVariables();

    [GeneratedRegex("^(Unexpected Exception|A worker was found in a dead state)")]
    private static partial Regex Accident();

    [GeneratedRegex(@"Failed to parse \S+ with \w+ plugin: (.+?)(?= \[WARNING\]| ERROR!| \[ERROR\])")]
    private static partial Regex BadInventory();

    [GeneratedRegex(@"Syntax Error while loading YAML\.\s+(.+)")]
    private static partial Regex YamlError();

    [GeneratedRegex(@"The error appears to (?:be|have been) in '(.+?)': line (\d+), column (\d+)")]
    private static partial Regex ErrorPlace();
}
