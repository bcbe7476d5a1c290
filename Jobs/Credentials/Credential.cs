namespace AspireJobs.Jobs.Credentials;

/// <summary>The kinds of credential; the kind says how the values reach git or Ansible.</summary>
public enum CredentialType
{
    /// <summary><c>private_key</c>, optional <c>username</c>: a key for ssh, for hosts or for git.</summary>
    SshKey,

    /// <summary><c>password</c>, optional <c>username</c>: for hosts, or for git over https (a token is a password).</summary>
    Password,

    /// <summary><c>password</c>, optional <c>vault_id</c>: opens Ansible Vault.</summary>
    VaultPassword,

    /// <summary>Any fields: they become variables of the playbook.</summary>
    Variables,
}

/// <summary>What callers may see of a credential: never a value.</summary>
public sealed record CredentialInfo(string Name, CredentialType Type, IReadOnlyList<string> Fields, DateTimeOffset CreatedAt);

/// <summary>An opened credential. Its values go into files of mode 0600 and nowhere else.</summary>
public sealed record Credential(string Name, CredentialType Type, IReadOnlyDictionary<string, string> Values)
{
    /// <summary>Fields whose values are names, not secrets.</summary>
    public static readonly IReadOnlySet<string> PlainFields = new HashSet<string> { "username", "vault_id" };

    /// <summary>The values that must not show up anywhere.</summary>
    public IEnumerable<string> Secrets => Values.Where(value => Type == CredentialType.Variables || !PlainFields.Contains(value.Key)).Select(value => value.Value);

    /// <summary>Without the values, which a record would print.</summary>
    public override string ToString() => $"{Name} ({Type.Word()})";
}
