using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

#pragma warning disable IL2026 // A range of times: what checks it is generated, and needs no converter that could be trimmed.

namespace AspireJobs.Worker;

/// <summary>Settings of a worker.</summary>
internal sealed class WorkerOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Worker";

    /// <summary>How many jobs run at once, 1 to 1,000; the number of processors when not set, at least 2.</summary>
    [Range(1, 1000)]
    public int Slots { get; set; } = Math.Max(2, Environment.ProcessorCount);

    /// <summary>Names of the queues whose jobs it takes; every queue when not set.</summary>
    public IReadOnlyList<string>? Queues { get; set; }

    /// <summary>
    /// How long a worker that is told to end waits for what it runs, 0 to 24 hours; 25 seconds when not set. What runs on after it is stopped.
    /// Whoever tells it to end must have that much patience, and 10 seconds more.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>Directory in which each worker process makes its private one (mode 0700); the system's directory for temporary files when not set.</summary>
    [Required]
    public string WorkDirectory { get; set; } = Path.GetTempPath();

    /// <summary>Directory below which sources of type <c>local</c> may lie, absolute or relative to the content root. Not set: such jobs fail.</summary>
    public string? LocalSourceRoot { get; set; }

    /// <summary>Largest source in bytes, 1 MiB to 1 TiB: of a git checkout with its submodules, of all their packs, of a local directory.</summary>
    [Range(1L << 20, 1L << 40)]
    public long MaxSourceBytes { get; set; } = 1L << 30;

    /// <summary>Most files and directories in a source, 1 to 10,000,000.</summary>
    [Range(1, 10_000_000)]
    public int MaxSourceFiles { get; set; } = 100_000;

    /// <summary>Settings of sources of type <c>git</c>.</summary>
    [Required, ValidateObjectMembers]
    public GitOptions Git { get; set; } = new();
}

/// <summary>How repositories are fetched.</summary>
internal sealed class GitOptions
{
    /// <summary>Longest fetch, 1 second to 1 hour. The job's own timeout counts as well.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>What to do about the key of an ssh server: see <see cref="HostKeyChecking"/>.</summary>
    public HostKeyChecking HostKeyChecking { get; set; } = HostKeyChecking.Yes;

    /// <summary>File with the known keys of ssh servers; the ssh client's own files (of the worker's user and of the machine) when not set.</summary>
    public string? KnownHostsFile { get; set; }
}

/// <summary>ssh's <c>StrictHostKeyChecking</c>.</summary>
internal enum HostKeyChecking
{
    /// <summary>Only servers whose key is known.</summary>
    Yes,

    /// <summary>Also servers never seen before; their key is then known. A changed key is refused.</summary>
    AcceptNew,

    /// <summary>Any server. Whoever sits on the way can deliver playbooks of their own.</summary>
    No,
}

[OptionsValidator]
internal sealed partial class WorkerOptionsValidator : IValidateOptions<WorkerOptions>;
