using System.Collections.ObjectModel;
using System.Text.Json;

namespace AspireJobs.Jobs;

/// <summary>What a caller asks for: which playbook, from where, on which hosts, and how.</summary>
public sealed record JobRequest
{
    // Setters, here and below: the serializer gathers what is only to be initialized in an array of all of it first, and loses defaults by that.

    /// <summary>Where the playbook comes from. Required.</summary>
    public JobSource? Source { get; set; }

    /// <summary>Path of the playbook inside the source. Not given for an inline source.</summary>
    public string? Playbook { get; set; }

    /// <summary>The hosts. Without it the playbook sees one host, <c>localhost</c>, reached without a connection.</summary>
    public JobInventory? Inventory { get; set; }

    /// <summary>Variables as a JSON object; they reach Ansible in a file, never on the command line. At most 256 KiB.</summary>
    public JsonElement? ExtraVars { get; set; }

    /// <summary>
    /// Variables whose values are secret: texts of at least four characters, at most 64. They are sealed when the job is stored and opened by its worker
    /// only; answers show <c>***</c> for each value.
    /// </summary>
    public IReadOnlyDictionary<string, string>? SecretVars { get; set; }

    /// <summary>Host pattern that narrows the inventory (<c>--limit</c>).</summary>
    public string? Limit { get; set; }

    /// <summary>Hosts to which the inventory is narrowed, by their names in it; at most 10,000, and not together with <see cref="Limit"/>.</summary>
    public IReadOnlyList<string>? LimitHosts { get; set; }

    /// <summary>Run only tasks with these tags.</summary>
    public IReadOnlyList<string> Tags { get; set; } = [];

    /// <summary>Leave out tasks with these tags.</summary>
    public IReadOnlyList<string> SkipTags { get; set; } = [];

    /// <summary>Dry run (<c>--check</c>).</summary>
    public bool Check { get; set; }

    /// <summary>Show differences in files (<c>--diff</c>).</summary>
    public bool Diff { get; set; }

    /// <summary>0 to 4: the number of <c>v</c> in <c>-vvvv</c>.</summary>
    public int Verbosity { get; set; }

    /// <summary>1 to 100: hosts worked on at once; Ansible's own default when absent.</summary>
    public int? Forks { get; set; }

    /// <summary>1 to 86,400 seconds from the start on a worker, 3,600 when absent.</summary>
    public int TimeoutSeconds { get; set; } = 3600;

    /// <summary>1 to 86,400 seconds without any output or event after which the run is stopped; no such limit when absent.</summary>
    public int? IdleTimeoutSeconds { get; set; }

    /// <summary>Name of an existing queue.</summary>
    public string Queue { get; set; } = "default";

    /// <summary>0 to 9, 5 when absent: jobs of a higher priority start first within their queue.</summary>
    public int Priority { get; set; } = 5;

    /// <summary>Jobs with the same key, 1 to 200 characters, do not all run at once: see <see cref="ConcurrencyLimit"/>.</summary>
    public string? ConcurrencyKey { get; set; }

    /// <summary>1 to 1,000: the job starts only when fewer jobs with its key run; 1 when absent.</summary>
    public int? ConcurrencyLimit { get; set; }

    /// <summary>The job starts no sooner.</summary>
    public DateTimeOffset? NotBefore { get; set; }

    /// <summary>A job that has not started by then fails as <c>expired</c>.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>
    /// 1 to 100, and more than 1 if <see cref="RetryOn"/> or <see cref="OnWorkerLost"/> ask for retries: how often the job is tried; when absent 3 if they do, else 1.
    /// </summary>
    public int? MaxAttempts { get; set; }

    /// <summary>Outcomes after which it is tried again; <c>source_fetch_failed</c> and <c>hosts_unreachable</c> when absent.</summary>
    public IReadOnlyList<JobOutcome>? RetryOn { get; set; }

    /// <summary>1 to 3,600 seconds before the second attempt, 10 when absent; doubled before each further one, with jitter, up to an hour.</summary>
    public int? RetryBackoffSeconds { get; set; }

    /// <summary>What becomes of the job when its worker dies; failed when absent, as nobody knows how far the playbook came.</summary>
    public OnWorkerLost? OnWorkerLost { get; set; }

    /// <summary>Begins the playbook at the task of this name (<c>--start-at-task</c>).</summary>
    public string? StartAtTask { get; set; }

    /// <summary>Names of credentials that the playbook gets.</summary>
    public IReadOnlyList<string> Credentials { get; set; } = [];

    /// <summary>http or https URL that receives the final state, signed after Standard Webhooks 1.0.0.</summary>
    public string? CallbackUrl { get; set; }

    /// <summary>The caller's own marks, kept with the job: at most 32.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; set; } = ReadOnlyDictionary<string, string>.Empty;
}

/// <summary>What becomes of a job whose worker died while it ran.</summary>
public enum OnWorkerLost
{
    /// <summary>It fails as <c>worker_lost</c>: a playbook is not run twice unasked.</summary>
    Fail,

    /// <summary>It is tried again, up to its attempts, unless it took down three workers.</summary>
    Retry,
}

/// <summary>How often, and after what, a job is tried again.</summary>
public static class JobRetries
{
    internal const int AttemptsWhenAsked = 3;

    static readonly JobOutcome[] Default = [JobOutcome.SourceFetchFailed, JobOutcome.HostsUnreachable];

    /// <summary>How often the job is tried at most.</summary>
    public static int Attempts(this JobRequest request) =>
        request.MaxAttempts ?? (request.OnWorkerLost == OnWorkerLost.Retry || request.RetryOn is { Count: > 0 } ? AttemptsWhenAsked : 1);

    /// <summary>Whether an attempt that ended so is followed by another; <paramref name="tries"/> were made, it included.</summary>
    public static bool IsRetried(this JobRequest request, JobOutcome outcome, int tries) =>
        tries < request.Attempts() && (outcome == JobOutcome.WorkerLost ? request.OnWorkerLost == OnWorkerLost.Retry : (request.RetryOn ?? Default).Contains(outcome));
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
    public SourceType? Type { get; set; }

    /// <summary>inline: the playbook's text, at most 512 KiB.</summary>
    public string? Content { get; set; }

    /// <summary>git: the repository, <c>https://</c>, <c>http://</c>, <c>ssh://</c> or <c>user@host:path</c>, without a password.</summary>
    public string? Url { get; set; }

    /// <summary>git: branch, tag or commit; the repository's default branch when absent.</summary>
    public string? Ref { get; set; }

    /// <summary>git: name of the credential that opens the repository.</summary>
    public string? Credential { get; set; }

    /// <summary>local: directory below the allowed root; the root itself when absent.</summary>
    public string? Path { get; set; }

    /// <summary>local: the job runs only if the directory has this digest, as a job that ran shows it in its provenance.</summary>
    public string? Digest { get; set; }
}

/// <summary>The hosts of a job: exactly one of the three.</summary>
public sealed record JobInventory
{
    /// <summary>Path of a file or directory inside the source.</summary>
    public string? Path { get; set; }

    /// <summary>The inventory's text, INI or YAML.</summary>
    public string? Content { get; set; }

    /// <summary>A plain list of host names or addresses.</summary>
    public IReadOnlyList<string>? Hosts { get; set; }
}
