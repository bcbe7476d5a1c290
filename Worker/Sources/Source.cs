using AspireJobs.Jobs;
using AspireJobs.Jobs.Credentials;

namespace AspireJobs.Worker.Sources;

/// <summary>A source to fetch.</summary>
/// <param name="Source">Which.</param>
/// <param name="Credential">Opens it, if the source names one.</param>
/// <param name="Directory">Where it goes: a directory that does not exist yet.</param>
/// <param name="Private">For what fetching needs: a directory that does not exist yet, and must not afterwards.</param>
internal sealed record SourceFetch(JobSource Source, Credential? Credential, string Directory, string Private);

/// <summary>A source that is there.</summary>
/// <param name="Digest">Tells it from any other: see <see cref="JobProvenance.SourceDigest"/>.</param>
/// <param name="Revision">The commit, if the source has such a thing.</param>
/// <param name="Warning">What of it was left out, for the job's log.</param>
internal sealed record FetchedSource(string Digest, string? Revision = null, string? Warning = null);

/// <summary>A kind of place that playbooks come from.</summary>
internal interface ISource
{
    /// <summary>The kind.</summary>
    SourceType Type { get; }

    /// <summary>Makes the directory and fills it, unless the request itself has all that there is.</summary>
    /// <exception cref="JobFailedException">It cannot be fetched; the message says why.</exception>
    Task<FetchedSource> FetchAsync(SourceFetch fetch, CancellationToken cancellationToken);
}
