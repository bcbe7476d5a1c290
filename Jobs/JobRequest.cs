using System.Text.Json;

namespace AspireJobs.Jobs;

/// <summary>What a caller asks for: which playbook, from where, on which hosts, and how.</summary>
public sealed record JobRequest
{
    // The serializer keeps the default of an absent field only where there is a setter.

    /// <summary>Where the playbook comes from. Required.</summary>
    public JobSource? Source { get; init; }

    /// <summary>Path of the playbook inside the source. Not given for an inline source.</summary>
    public string? Playbook { get; init; }

    /// <summary>The hosts. Without it the playbook sees one host, <c>localhost</c>, reached without a connection.</summary>
    public JobInventory? Inventory { get; init; }

    /// <summary>Variables as a JSON object; they reach Ansible in a file, never on the command line. At most 256 KiB.</summary>
    public JsonElement? ExtraVars { get; init; }

    /// <summary>
    /// Variables whose values are secret: texts of at least four characters, at most 64. They are sealed when the job is stored and opened by its worker
    /// only; answers show <c>***</c> for each value.
    /// </summary>
    public IReadOnlyDictionary<string, string>? SecretVars { get; init; }

    /// <summary>Host pattern that narrows the inventory (<c>--limit</c>).</summary>
    public string? Limit { get; init; }

    /// <summary>Run only tasks with these tags.</summary>
    public IReadOnlyList<string> Tags { get; set; } = [];

    /// <summary>Leave out tasks with these tags.</summary>
    public IReadOnlyList<string> SkipTags { get; set; } = [];

    /// <summary>Dry run (<c>--check</c>).</summary>
    public bool Check { get; init; }

    /// <summary>Show differences in files (<c>--diff</c>).</summary>
    public bool Diff { get; init; }

    /// <summary>0 to 4: the number of <c>v</c> in <c>-vvvv</c>.</summary>
    public int Verbosity { get; init; }

    /// <summary>1 to 100: hosts worked on at once; Ansible's own default when absent.</summary>
    public int? Forks { get; init; }

    /// <summary>1 to 86,400 seconds from the start on a worker, 3,600 when absent.</summary>
    public int TimeoutSeconds { get; set; } = 3600;

    /// <summary>Names of credentials that the playbook gets.</summary>
    public IReadOnlyList<string> Credentials { get; set; } = [];

    /// <summary>http or https URL that receives the final state, signed after Standard Webhooks 1.0.0.</summary>
    public string? CallbackUrl { get; init; }

    /// <summary>The caller's own marks, kept with the job: at most 32.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; set; } = new Dictionary<string, string>();
}

/// <summary>The kinds of source.</summary>
public enum SourceType
{
    /// <summary>The playbook's text is in the request.</summary>
    Inline,

    /// <summary>A git repository over https, http or ssh.</summary>
    Git,

    /// <summary>A directory under a root that the operator allowed on the workers.</summary>
    Local,
}

/// <summary>Where a playbook comes from. Which fields are given depends on the type.</summary>
public sealed record JobSource
{
    /// <summary>The kind of source. Required.</summary>
    public SourceType? Type { get; init; }

    /// <summary>inline: the playbook's text, at most 512 KiB.</summary>
    public string? Content { get; init; }

    /// <summary>git: the repository, <c>https://</c>, <c>http://</c>, <c>ssh://</c> or <c>user@host:path</c>, without a password.</summary>
    public string? Url { get; init; }

    /// <summary>git: branch, tag or commit; the repository's default branch when absent.</summary>
    public string? Ref { get; init; }

    /// <summary>git: name of the credential that opens the repository.</summary>
    public string? Credential { get; init; }

    /// <summary>local: directory below the allowed root; the root itself when absent.</summary>
    public string? Path { get; init; }
}

/// <summary>The hosts of a job: exactly one of the three.</summary>
public sealed record JobInventory
{
    /// <summary>Path of a file or directory inside the source.</summary>
    public string? Path { get; init; }

    /// <summary>The inventory's text, INI or YAML.</summary>
    public string? Content { get; init; }

    /// <summary>A plain list of host names or addresses.</summary>
    public IReadOnlyList<string>? Hosts { get; init; }
}
