namespace AspireJobs.Jobs;

/// <summary>Where a job stands. The last three are final: nothing moves a job out of them.</summary>
public enum JobStatus
{
    /// <summary>Stored and waiting for a worker. Set by the API, by the leader for a schedule, and by the worker or the leader before another attempt.</summary>
    Queued,

    /// <summary>Held by one worker under a lease. Set by the worker that claims the job.</summary>
    Running,

    /// <summary>The playbook did all of its work. Set by the worker.</summary>
    Success,

    /// <summary>The playbook failed, or never ran. Set by the worker, or by the leader when the lease or the time to wait ran out.</summary>
    Failed,

    /// <summary>Stopped on request. Set by the API while queued, by the worker while running, by the leader when the lease ran out after the request.</summary>
    Cancelled,
}

/// <summary>How a job ended, finer than its status: one word to act upon.</summary>
public enum JobOutcome
{
    /// <summary>No task failed and no host was unreachable but what the playbook forgave, and at least one host took part.</summary>
    Success,

    /// <summary>At least one task failed on at least one host.</summary>
    TasksFailed,

    /// <summary>No task failed, but at least one host could not be reached.</summary>
    HostsUnreachable,

    /// <summary>The playbook ran and touched no host: its pattern, or the limit, matched none.</summary>
    NoHostsMatched,

    /// <summary>The playbook is missing, is no YAML, or names something that does not exist.</summary>
    PlaybookInvalid,

    /// <summary>The inventory is missing or cannot be read.</summary>
    InventoryInvalid,

    /// <summary>Something is encrypted with Ansible Vault and no given password opens it.</summary>
    VaultError,

    /// <summary>ansible-playbook refused its options.</summary>
    UsageError,

    /// <summary>The source could not be fetched.</summary>
    SourceFetchFailed,

    /// <summary>A credential is gone, of the wrong type, or cannot be opened.</summary>
    CredentialError,

    /// <summary>The job ran longer than its timeout and was stopped.</summary>
    TimedOut,

    /// <summary>The job printed nothing for longer than its idle timeout and was stopped.</summary>
    IdleTimedOut,

    /// <summary>The job did not start in the time that its caller gave it.</summary>
    Expired,

    /// <summary>The job was stopped on request.</summary>
    Cancelled,

    /// <summary>
    /// The worker died, lost its lease, was shut down or could not write to its work directory while the job ran. It is not run again unasked once its
    /// playbook has begun, nor where nobody knows whether it had.
    /// </summary>
    WorkerLost,

    /// <summary>A fault of this service, not of the playbook.</summary>
    InternalError,
}

/// <summary>Which status goes with an outcome.</summary>
public static class JobOutcomes
{
    /// <summary>The final status of a job with this outcome.</summary>
    public static JobStatus Status(this JobOutcome outcome) => outcome switch
    {
        JobOutcome.Success => JobStatus.Success,
        JobOutcome.Cancelled => JobStatus.Cancelled,
        _ => JobStatus.Failed,
    };

    /// <summary>Whether the status is one that no job leaves.</summary>
    public static bool IsFinal(this JobStatus status) => status >= JobStatus.Success;
}
