using System.Diagnostics;
using System.Text.Json.Serialization;

namespace AspireJobs.Jobs;

/// <summary>A job as callers see it.</summary>
public sealed record Job
{
    /// <summary>The job's id.</summary>
    public required JobId Id { get; init; }

    /// <summary>Where the job stands.</summary>
    public required JobStatus Status { get; init; }

    /// <summary>How it ended; absent until it is final.</summary>
    public JobOutcome? Outcome { get; init; }

    /// <summary>What was asked for.</summary>
    public required JobRequest Request { get; init; }

    /// <summary>Name of the API key that submitted it.</summary>
    public required string ApiKeyName { get; init; }

    /// <summary>How many times a worker has taken it.</summary>
    public required int Attempt { get; init; }

    /// <summary>Why it has not started; only where one job is asked for, and while it waits.</summary>
    public JobWaiting? Waiting { get; init; }

    /// <summary>When the next attempt may begin, while the job waits for its time.</summary>
    public DateTimeOffset? ReadyAt { get; init; }

    /// <summary>The job that this one repeats.</summary>
    public JobId? RerunOf { get; init; }

    /// <summary>Name of the schedule that submitted it.</summary>
    public string? Schedule { get; init; }

    /// <summary>What exactly ran, as far as the run came.</summary>
    public JobProvenance? Provenance { get; init; }

    /// <summary>The worker that runs it or ran it last.</summary>
    public string? WorkerId { get; init; }

    /// <summary>Whether a stop has been asked for.</summary>
    public bool CancelRequested { get; init; }

    /// <summary>The commit that was checked out, for a git source.</summary>
    public string? Revision { get; init; }

    /// <summary>Exit code of ansible-playbook, if it ran to its end.</summary>
    public int? ExitCode { get; init; }

    /// <summary>What went wrong, for a job that failed or was cancelled.</summary>
    public JobFailure? Failure { get; init; }

    /// <summary>Ansible's recap per host.</summary>
    public IReadOnlyDictionary<string, HostSummary>? Hosts { get; init; }

    /// <summary>The trace (W3C trace id) from the submission to the callback.</summary>
    public string? TraceId { get; init; }

    /// <summary>The context that its further spans continue; default if it has none.</summary>
    [JsonIgnore]
    public ActivityContext Trace { get; init; }

    /// <summary>When it was stored.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the last attempt began; null if the job ended while it waited for one.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it became final.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Seconds from the start of the last attempt to its end.</summary>
    public double? DurationSeconds => FinishedAt is { } end && StartedAt is { } start ? (end - start).TotalSeconds : null;

    /// <summary>Whether its status is final.</summary>
    [JsonIgnore]
    public bool IsFinal => Status.IsFinal();
}

/// <summary>Why a job did not succeed.</summary>
/// <param name="ErrorType">The outcome's word, such as <c>tasks_failed</c>.</param>
/// <param name="Message">One sentence for a person.</param>
/// <param name="Task">The first failing task, if a task failed.</param>
/// <param name="Host">The host it failed on.</param>
public sealed record JobFailure(string ErrorType, string Message, string? Task = null, string? Host = null);

/// <summary>What exactly ran.</summary>
/// <param name="AnsibleVersion">Version of ansible-core.</param>
/// <param name="SourceDigest">
/// <c>sha256:</c> and the digest of the source: of the text of an inline one, of paths, modes and contents of a local one; <c>git-tree:</c> and
/// the id of the commit's tree for a git one.
/// </param>
/// <param name="InventoryDigest"><c>sha256:</c> and the digest of the inventory that Ansible was given: of its text or file, or of all that is in its directory.</param>
public sealed record JobProvenance(string? AnsibleVersion, string? SourceDigest, string? InventoryDigest);

/// <summary>An attempt that has ended.</summary>
public sealed record JobAttempt(
    int Attempt, string WorkerId, DateTimeOffset StartedAt, DateTimeOffset FinishedAt, JobOutcome Outcome,
    JobFailure? Failure, int? ExitCode, string? Revision, IReadOnlyDictionary<string, HostSummary>? Hosts);

/// <summary>One host's line of Ansible's recap: numbers of task results.</summary>
public sealed record HostSummary(int Ok, int Changed, int Unreachable, int Failed, int Skipped, int Rescued, int Ignored)
{
    /// <summary>The counts of two hosts together.</summary>
    public static HostSummary operator +(HostSummary one, HostSummary other) => new(
        one.Ok + other.Ok, one.Changed + other.Changed, one.Unreachable + other.Unreachable, one.Failed + other.Failed, one.Skipped + other.Skipped,
        one.Rescued + other.Rescued, one.Ignored + other.Ignored);
}

/// <summary>One step of the playbook's run, as the callback plugin reported it.</summary>
/// <param name="Seq">1, 2, 3 … within the job, without gaps.</param>
/// <param name="Attempt">The attempt that it belongs to.</param>
/// <param name="At">When Ansible saw it.</param>
/// <param name="Type">Ansible's name of the callback, such as <c>runner_on_ok</c>.</param>
/// <param name="Data">The event's fields.</param>
public sealed record JobEvent(int Seq, int Attempt, DateTimeOffset At, string Type, System.Text.Json.JsonElement Data);
