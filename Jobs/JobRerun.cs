namespace AspireJobs.Jobs;

/// <summary>How a job that has ended is to be repeated.</summary>
public sealed record JobRerun
{
    /// <summary>On which of its hosts; all when absent.</summary>
    public RerunHosts Hosts { get; set; }

    /// <summary>Name of the task to begin at; the job's own <see cref="JobRequest.StartAtTask"/> when absent.</summary>
    public string? FromTask { get; set; }

    /// <summary>From exactly the sources that ran, not from what they have become: the commit of a git source, the digest of a local one.</summary>
    public bool SameRevision { get; set; }
}

/// <summary>Hosts of a job that has ended.</summary>
public enum RerunHosts
{
    /// <summary>All.</summary>
    All,

    /// <summary>Those with a failed task, and those that could not be reached.</summary>
    Failed,
}
