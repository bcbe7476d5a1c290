using AspireJobs.Jobs;
using AspireJobs.Worker.Ansible;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker.Sources;

/// <summary>A repository over https, http or ssh: one commit with those of its submodules, without hooks and filters.</summary>
internal sealed class GitSource(Commands commands, IOptions<WorkerOptions> options, TimeProvider time) : ISource
{
    const int MostNamed = 10;

    static readonly string[] Settings =
    [
        "-c", "core.hooksPath=/dev/null", "-c", "core.askPass=", "-c", "credential.helper=", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
        // Else few objects are unpacked, each as a file of its own, and the limit of a file's size is none of the pack's.
        "-c", "fetch.unpackLimit=1",
        "-c", "advice.detachedHead=false",
    ];

    public SourceType Type => SourceType.Git;

    public async Task<FetchedSource> FetchAsync(SourceFetch fetch, CancellationToken cancellationToken)
    {
        // The API refuses these too. What reaches a command line is checked where the command line is.
        if (!GitAddress.TryParse(fetch.Source.Url, out var address))
            throw Failed("the address of the repository is not of an allowed form");
        var wanted = fetch.Source.Ref ?? "HEAD";
        if (!GitRef.IsValid(wanted))
            throw Failed($"'{wanted}' cannot be a branch, a tag or a commit");

        using var timeout = new CancellationTokenSource(options.Value.Git.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            Directory.CreateDirectory(fetch.Directory, PrivateDirectory.Mode);
            return await FetchAsync(fetch, address, wanted, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failed($"{address.Text} took longer than {options.Value.Git.Timeout.TotalSeconds} seconds to fetch");
        }
        finally
        {
            // What opens the repository is not for what comes out of it.
            if (Directory.Exists(fetch.Private))
                Directory.Delete(fetch.Private, recursive: true);
        }
    }

    async Task<FetchedSource> FetchAsync(SourceFetch fetch, GitAddress address, string wanted, CancellationToken stop)
    {
        var access = new GitAccess(options.Value.Git, new PrivateFiles(fetch.Private), address, fetch.Credential);
        // No file, so no pack either, grows beyond the limit while it is fetched.
        string[] words = ["prlimit", $"--fsize={options.Value.MaxSourceBytes}", "--", "git", .. Settings, .. access.Settings()];
        var git = new Command(words, fetch.Directory, access.Environment(address));
        var repository = new GitRepository(commands, git, address, new(fetch.Credential?.Secrets ?? []), stop);
        var whole = new Whole(access, new SourceSize(options.Value), new SourceSize(options.Value), []);
        var fetched = await FetchAsync(repository, wanted, whole);
        return whole.LeftOut.Count == 0
            ? fetched
            : fetched with { Warning = $"submodules left empty, as .gitmodules has no address for them or says so: {Some(whole.LeftOut)}" };
    }

    static async Task<FetchedSource> FetchAsync(GitRepository repository, string wanted, Whole whole)
    {
        await repository.InitAsync();
        var commit = await repository.FetchAsync(wanted);
        whole.Fetched.Add(repository.StoredBytes());
        // Before anything is unpacked: a small pack can hold a huge tree.
        var submodules = new List<GitSubmodule>();
        await repository.ListAsync(commit, whole.Files.Add, submodules.Add);
        var fetched = await repository.CheckOutAsync(commit);
        var addresses = submodules.Count > 0 ? await repository.SubmoduleAddressesAsync() : [];
        foreach (var submodule in submodules)
            if (addresses.TryGetValue(submodule.Path, out var written))
                await FetchAsync(repository.Submodule(submodule, written, whole.Access), submodule.Commit, whole);
            else
                whole.LeftOut.Add(repository.PathOf(submodule));
        return fetched;
    }

    static string Some(List<string> paths) =>
        paths.Count <= MostNamed ? string.Join(", ", paths) : $"{string.Join(", ", paths.Take(MostNamed))} and {paths.Count - MostNamed} more";

    // What a repository and its submodules share.
    sealed record Whole(GitAccess Access, SourceSize Fetched, SourceSize Files, List<string> LeftOut);

    static JobFailedException Failed(string message) => new(JobOutcome.SourceFetchFailed, message);
}
