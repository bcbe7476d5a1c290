using AspireJobs.Jobs;

namespace AspireJobs.Worker.Sources;

/// <summary>The playbook's text is in the request, and gets to the run with it.</summary>
internal sealed class InlineSource : ISource
{
    public SourceType Type => SourceType.Inline;

    public Task<FetchedSource> FetchAsync(SourceFetch fetch, CancellationToken cancellationToken) =>
        Task.FromResult(new FetchedSource(ContentDigest.OfText(fetch.Source.Content!)));
}
