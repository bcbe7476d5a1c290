using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;

namespace AspireJobs.Worker.Ansible;

/// <summary>One run of one playbook: everything it needs, and where its output goes.</summary>
internal sealed record PlaybookRun
{
    /// <summary>What was asked for.</summary>
    public required JobRequest Request { get; init; }

    /// <summary>
    /// A directory that is to be made, where nobody else can look, with an absolute path of at most 76 characters: below it lie the sockets of ssh.
    /// The caller removes it afterwards.
    /// </summary>
    public required string WorkDirectory { get; init; }

    /// <summary>The fetched source, an absolute path, in which the playbook runs. It does not exist yet when the source is inline.</summary>
    public required string SourceDirectory { get; init; }

    /// <summary>The opened credentials that the request names, in its order.</summary>
    public required IReadOnlyList<Credential> Credentials { get; init; }

    /// <summary>Number of the last event of earlier attempts; this run's events follow it.</summary>
    public int LastEventSeq { get; init; }

    /// <summary>Knows every secret of the job, also that of its source.</summary>
    public required Redactor Redactor { get; init; }

    /// <summary>Is called with the digest of the inventory when all is prepared and the first process is about to start: from here on hosts may be touched.</summary>
    public required Action<string?> Begin { get; init; }

    /// <summary>Receives the log in pieces, free of secrets and of control characters. The run waits for it.</summary>
    public required Func<string, CancellationToken, ValueTask> Log { get; init; }

    /// <summary>Receives the events in order, free of secrets. The run waits for it. Never called concurrently with itself, but with <see cref="Log"/>.</summary>
    public required Func<OutputEvent, CancellationToken, ValueTask> Event { get; init; }
}
