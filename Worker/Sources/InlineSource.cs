using AspireJobs.Jobs;
using AspireJobs.Worker.Ansible;

namespace AspireJobs.Worker.Sources;

/// <summary>The playbook's text is in the request.</summary>
internal sealed class InlineSource : ISource
{
    public SourceType Type => SourceType.Inline;

    public async Task<FetchedSource> FetchAsync(SourceFetch fetch, CancellationToken cancellationToken)
    {
        await File.WriteAllTextAsync(Path.Combine(fetch.Directory, AnsiblePlaybook.InlineName), fetch.Source.Content, cancellationToken);
        return new(ContentDigest.OfText(fetch.Source.Content!));
    }
}
