using AspireJobs.Jobs;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker.Sources;

/// <summary>
/// A directory below the root that the operator allows. It is copied: a run sees one state of it, whoever edits it meanwhile, and what a
/// run writes beside its playbook does not stay.
/// </summary>
internal sealed class LocalSource(Commands commands, IOptions<WorkerOptions> options, IHostEnvironment environment) : ISource
{
    static readonly EnumerationOptions Everything = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };

    public SourceType Type => SourceType.Local;

    public async Task<FetchedSource> FetchAsync(SourceFetch fetch, CancellationToken cancellationToken)
    {
        if (options.Value.LocalSourceRoot is not { Length: > 0 } root)
            throw Failed($"sources of type local are off on this worker; its setting {WorkerOptions.Section}:{nameof(WorkerOptions.LocalSourceRoot)} allows them");
        var path = fetch.Source.Path ?? ".";
        // Also after every link on the way.
        var from = Ansible.SourcePath.Resolve(Path.GetFullPath(root, environment.ContentRootPath), path);
        if (from is null || !Directory.Exists(from))
            throw Failed($"local source '{path}' is not a directory below the one that this worker allows");
        try
        {
            CheckSize(from, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed($"local source '{path}' cannot be read: {e.Message}");
        }
        // Keeps modes and links, and does not open what is no regular file.
        var copy = await commands.RunAsync(new(["cp", "-R", "-p", "--", from + "/.", fetch.Directory], fetch.Directory, new Dictionary<string, string>()), cancellationToken);
        if (!copy.Succeeded)
            throw Failed($"local source '{path}' cannot be copied: {copy.Complaint}");
        // Of the copy, which is what runs.
        var digest = ContentDigest.OfPath(fetch.Directory, cancellationToken);
        return fetch.Source.Digest is not { } wanted || wanted == digest
            ? new(digest)
            : throw Failed($"local source '{path}' is not what was asked for: its digest is {digest}, not {wanted}");
    }

    void CheckSize(string directory, CancellationToken cancellationToken)
    {
        var size = new SourceSize(options.Value);
        foreach (var entry in new DirectoryInfo(directory).EnumerateFileSystemInfos("*", Everything))
        {
            cancellationToken.ThrowIfCancellationRequested();
            size.Add(entry is FileInfo file ? file.Length : 0);
        }
    }

    static JobFailedException Failed(string message) => new(JobOutcome.SourceFetchFailed, message);
}
