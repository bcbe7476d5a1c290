using AspireJobs.Jobs;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker.Sources;

/// <summary>
/// A directory below the root that the operator allows. It is copied: a run sees one state of it, whoever edits it meanwhile, and what a
/// run writes beside its playbook does not stay.
/// </summary>
internal sealed class LocalSource(IOptions<WorkerOptions> options, IHostEnvironment environment) : ISource
{
    public SourceType Type => SourceType.Local;

    public Task<FetchedSource> FetchAsync(SourceFetch fetch, CancellationToken cancellationToken)
    {
        if (options.Value.LocalSourceRoot is not { Length: > 0 } root)
            throw Failed($"sources of type local are off on this worker; its setting {WorkerOptions.Section}:{nameof(WorkerOptions.LocalSourceRoot)} allows them");
        var path = fetch.Source.Path ?? ".";
        // Also after every link on the way.
        var from = Ansible.SourcePath.Resolve(Path.GetFullPath(root, environment.ContentRootPath), path);
        if (from is null || !Directory.Exists(from))
            throw Failed($"local source '{path}' is not a directory below the one that this worker allows");
        if (fetch.Directory.StartsWith(Path.TrimEndingDirectorySeparator(from) + '/', StringComparison.Ordinal))
            throw Failed($"local source '{path}' contains the directory in which this worker works");
        try
        {
            Copy(new DirectoryInfo(from), fetch.Directory, new SourceSize(options.Value), cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Failed($"local source '{path}' cannot be copied: {e.Message}");
        }
        // Of the copy, which is what runs.
        var digest = ContentDigest.OfPath(fetch.Directory, cancellationToken);
        return fetch.Source.Digest is not { } wanted || wanted == digest
            ? Task.FromResult(new FetchedSource(digest))
            : throw Failed($"local source '{path}' is not what was asked for: its digest is {digest}, not {wanted}");
    }

    // Keeps modes and links.
    static void Copy(DirectoryInfo from, string to, SourceSize size, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(to, PrivateDirectory.Mode);
        foreach (var entry in from.EnumerateFileSystemInfos())
        {
            cancellationToken.ThrowIfCancellationRequested();
            // The runtime shows bytes that are not UTF-8 as U+FFFD, and then finds nothing of that name.
            if (entry.Name.Contains('\uFFFD') && entry.LinkTarget is null && !Path.Exists(entry.FullName))
                throw new IOException($"the name of '{entry.FullName}' is not valid UTF-8");
            var copy = Path.Combine(to, entry.Name);
            size.Add(entry is FileInfo { LinkTarget: null } counted ? counted.Length : 0);
            if (entry.LinkTarget is { } target)
                File.CreateSymbolicLink(copy, target);
            else if (entry is DirectoryInfo directory)
            {
                Copy(directory, copy, size, cancellationToken);
                // Last, as it may forbid to write there.
                File.SetUnixFileMode(copy, entry.UnixFileMode);
            }
            else if (((FileInfo)entry).Length > 0)
                File.Copy(entry.FullName, copy);
            else
                // Also what is no regular file has no length, and opening it might never end.
                CreateEmpty(copy, entry.UnixFileMode);
        }
    }

    static void CreateEmpty(string path, UnixFileMode mode)
    {
        File.Create(path, bufferSize: 1).Dispose();
        File.SetUnixFileMode(path, mode);
    }

    static JobFailedException Failed(string message) => new(JobOutcome.SourceFetchFailed, message);
}
