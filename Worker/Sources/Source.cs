using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;

namespace AspireJobs.Worker.Sources;

/// <summary>A source to fetch.</summary>
/// <param name="Source">Which.</param>
/// <param name="Credential">Opens it, if the source names one.</param>
/// <param name="Directory">Where it goes: an empty directory.</param>
/// <param name="Private">An empty directory for what fetching needs.</param>
internal sealed record SourceFetch(JobSource Source, Credential? Credential, string Directory, string Private);

/// <summary>A kind of place that playbooks come from.</summary>
internal interface ISource
{
    /// <summary>The kind.</summary>
    SourceType Type { get; }

    /// <summary>Fills the directory. Returns the revision, if the source has such a thing.</summary>
    /// <exception cref="JobFailedException">It cannot be fetched; the message says why.</exception>
    Task<string?> FetchAsync(SourceFetch fetch, CancellationToken cancellationToken);
}
