using AspireJobs.Jobs;
using AspireJobs.Worker.Ansible;

namespace AspireJobs.Worker.Sources;

/// <summary>The playbook's text is in the request.</summary>
internal sealed class InlineSource : ISource
{
    public SourceType Type => SourceType.Inline;

    public Task<FetchedSource> FetchAsync(SourceFetch fetch, CancellationToken cancellationToken)
    {
        // So short a file is written sooner than another thread has been found to do it.
        File.WriteAllText(Path.Combine(fetch.Directory, AnsiblePlaybook.InlineName), fetch.Source.Content);
        return Task.FromResult(new FetchedSource(ContentDigest.OfText(fetch.Source.Content!)));
    }
}
