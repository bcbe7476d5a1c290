using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;
using AspireJobs.Worker.Ansible;

namespace AspireJobs.Worker.Sources;

/// <summary>
/// Lets git into a repository, and into those of its submodules that are on the same host: writes the private files and says which environment and
/// settings name them.
/// </summary>
internal sealed class GitAccess(GitOptions options, PrivateFiles files, GitAddress source, Credential? credential)
{
    // How git finds its way out, where the operator's network needs it. Nothing else of the worker's environment reaches git.
    static readonly string[] Inherited =
        ["http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"];

    string? _key;

    /// <summary>The environment of every git command: no settings of the machine or of a user, no questions, no other transports.</summary>
    public Dictionary<string, string> Environment(GitAddress address)
    {
        var environment = Inherited
            .Where(name => System.Environment.GetEnvironmentVariable(name) is { Length: > 0 })
            .ToDictionary(name => name, name => System.Environment.GetEnvironmentVariable(name)!);
        environment["HOME"] = files.Directory("home");
        environment["GIT_CONFIG_NOSYSTEM"] = "1";
        environment["GIT_CONFIG_GLOBAL"] = "/dev/null";
        environment["GIT_ATTR_NOSYSTEM"] = "1";
        environment["GIT_TERMINAL_PROMPT"] = "0";
        environment["GIT_ALLOW_PROTOCOL"] = "https:http:ssh";
        environment["GIT_SSH_VARIANT"] = "ssh";
        environment["GIT_SSH_COMMAND"] = Ssh(address, credential is { Type: CredentialType.SshKey } && address.Host == source.Host ? credential : null);
        return environment;
    }

    /// <summary>Settings for the command line, also for submodules: paths only, never a secret.</summary>
    /// <exception cref="JobFailedException">The credential does not fit the source's address.</exception>
    public IEnumerable<string> Settings()
    {
        if (credential is not null && credential.Type != source.CredentialType)
            throw new JobFailedException(JobOutcome.CredentialError,
                $"credential '{credential.Name}' is of type {credential.Type.Word()}; a repository over {source.Scheme} takes one of type {source.CredentialType.Word()}");
        return credential is null || source.IsSsh ? [] : ["-c", $"credential.helper=store --file={Quoted(Password(credential))}"];
    }

    // git's own helper answers for this scheme, host and port only, so a redirection or a submodule elsewhere gets nothing.
    string Password(Credential password)
    {
        var user = password.UserName() ?? "git";
        return files.Write("password", $"{source.Scheme}://{Uri.EscapeDataString(user)}:{Uri.EscapeDataString(password.Required("password"))}@{source.Host}\n");
    }

    // No configuration and no keys of the worker's own user: without a credential only what is open to everybody can be fetched.
    string Ssh(GitAddress address, Credential? key)
    {
        List<string> words =
        [
            "ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "ConnectTimeout=15",
            "-o", $"StrictHostKeyChecking={options.HostKeyChecking.Word().Replace('_', '-')}",
            "-i", key is null ? "/dev/null" : _key ??= files.Write("key", key.PrivateKey()),
        ];
        if (options.KnownHostsFile is { Length: > 0 } known)
            words.AddRange(["-o", $"UserKnownHostsFile=\"{known}\""]);
        if (address.User is null && key?.UserName() is { } user)
            words.AddRange(["-o", $"User={user}"]);
        return string.Join(' ', words.Select(Quoted));
    }

    // git hands both the helper and the ssh command to a shell.
    static string Quoted(string word) => "'" + word.Replace("'", @"'\''", StringComparison.Ordinal) + "'";
}
