using System.Text;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;

namespace AspireJobs.Worker.Ansible;

/// <summary>
/// Hands credentials to Ansible by private files. A user name is no secret: it is the default user, which an inventory may override per
/// host. A password is <c>ansible_password</c>; it is not used for becoming another user unless the playbook says so by
/// <c>ansible_become_password: "{{ ansible_password }}"</c>.
/// </summary>
internal sealed class CredentialFiles(PrivateFiles files, string directory)
{
    /// <summary>Writes the files and returns the arguments that name them.</summary>
    /// <exception cref="JobFailedException">A credential lacks its value, or two of them claim the same place.</exception>
    public List<string> Prepare(IReadOnlyList<Credential> credentials)
    {
        foreach (var type in (CredentialType[])[CredentialType.SshKey, CredentialType.Password])
            if (credentials.Where(credential => credential.Type == type).Select(credential => credential.Name).ToArray() is { Length: > 1 } names)
                throw Error($"Ansible takes one credential of type {type.Word()}, the job has {string.Join(" and ", names)}");
        return [.. credentials.SelectMany(Arguments)];
    }

    List<string> Arguments(Credential credential, int number) => credential.Type switch
    {
        CredentialType.SshKey => [$"--private-key={Write(number, "key", credential.PrivateKey())}", .. User(credential)],
        CredentialType.Password => [Variables(number, [new("ansible_password", credential.Required("password"))]), .. User(credential)],
        CredentialType.VaultPassword => [$"--vault-id={VaultId(credential)}@{Write(number, "vault", credential.Required("password"))}"],
        CredentialType.Variables => [Variables(number, credential.Values)],
        _ => throw Error($"credential '{credential.Name}' is of type {credential.Type.Word()}, which playbooks cannot use"),
    };

    // Names of files come from here, never from the credential.
    string Write(int number, string kind, string text) => files.Write(Path.Combine(directory, $"{number}.{kind}"), text);

    string Variables(int number, IEnumerable<KeyValuePair<string, string>> variables)
    {
        // !unsafe: a password with "{{" in it is no template.
        var lines = variables.Select(variable => $"{Quoted(variable.Key)}: !unsafe {Quoted(variable.Value)}\n");
        return $"--extra-vars=@{Write(number, "yml", string.Concat(lines))}";
    }

    static IEnumerable<string> User(Credential credential) =>
        credential.UserName() is { } user ? [$"--user={user}"] : [];

    static string VaultId(Credential credential)
    {
        var id = credential.Values.GetValueOrDefault("vault_id", "default");
        return id.Contains('@') ? throw Error($"the vault_id of credential '{credential.Name}' must not contain '@'") : id;
    }

    // A double-quoted YAML scalar.
    static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
            _ = rune.Value is >= ' ' and <= '~' and not ('"' or '\\') ? quoted.Append((char)rune.Value) : quoted.Append($"\\U{rune.Value:X8}");
        return quoted.Append('"').ToString();
    }

    static JobFailedException Error(string message) => new(JobOutcome.CredentialError, message);
}
