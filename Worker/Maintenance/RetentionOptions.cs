using System.ComponentModel.DataAnnotations;
using AspireJobs.Jobs;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker.Maintenance;

/// <summary>How long jobs are kept.</summary>
internal sealed class RetentionOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Retention";

    /// <summary>
    /// Days, 1 to 400, for which a job is kept after its end. Each has tables of its own, all of which Postgres locks where a log is read or a job is tried
    /// again: its setting <c>max_locks_per_transaction</c> limits how many there can be.
    /// </summary>
    [Range(1, 400)]
    public int Days { get; set; } = 30;

    /// <summary>How many jobs are kept at most, 1 to 100,000,000; beyond it those that have ended go, the oldest first.</summary>
    [Range(1, 100_000_000)]
    public int MaxJobs { get; set; } = 1_000_000;

    public KeptJobs Kept => new(TimeSpan.FromDays(Days), MaxJobs);
}

[OptionsValidator]
internal sealed partial class RetentionOptionsValidator : IValidateOptions<RetentionOptions>;
