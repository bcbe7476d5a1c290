using AspireJobs.Jobs;
using AspireJobs.Worker.Ansible;
using Microsoft.Extensions.Options;

namespace AspireJobs.Worker.Sources;

/// <summary>A repository over https, http or ssh: one commit with those of its submodules, without hooks and filters.</summary>
internal sealed class GitSource(Commands commands, IOptions<WorkerOptions> options, TimeProvider time) : ISource
{
    static readonly string[] Settings =
    [
        "-c", "core.hooksPath=/dev/null", "-c", "core.askPass=", "-c", "credential.helper=", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
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
        var access = new GitAccess(options.Value.Git, new PrivateFiles(fetch.Private), fetch.Credential);
        // No file, so no pack either, grows beyond the limit while it is fetched.
        string[] words = ["prlimit", $"--fsize={options.Value.MaxSourceBytes}", "--", "git", .. Settings, .. access.Settings(address)];
        var git = new Command(words, fetch.Directory, access.Environment(address));
        var repository = new GitRepository(commands, git, address, new(fetch.Credential?.Secrets ?? []), stop);
        var whole = new Whole(access, new SourceSize(options.Value), []);
        var fetched = await FetchAsync(repository, wanted, whole);
        return whole.LeftOut.Count == 0
            ? fetched
            : fetched with { Warning = $"submodules that .gitmodules does not say how to fetch, their directories are empty: {string.Join(", ", whole.LeftOut)}" };
    }

    static async Task<FetchedSource> FetchAsync(GitRepository repository, string wanted, Whole whole)
    {
        await repository.InitAsync();
        var commit = await repository.FetchAsync(wanted);
        // Before anything is unpacked: a small pack can hold a huge tree.
        var submodules = new List<GitSubmodule>();
        await repository.ListAsync(commit, whole.Size.Add, submodules.Add);
        var fetched = await repository.CheckOutAsync(commit);
        var addresses = submodules.Count > 0 ? await repository.SubmoduleAddressesAsync() : [];
        foreach (var submodule in submodules)
            if (addresses.TryGetValue(submodule.Path, out var written))
                await FetchAsync(repository.Submodule(submodule, written, whole.Access), submodule.Commit, whole);
            else
                whole.LeftOut.Add(repository.PathOf(submodule));
        return fetched;
    }

    // What a repository and its submodules have in common.
    sealed record Whole(GitAccess Access, SourceSize Size, List<string> LeftOut);

    static JobFailedException Failed(string message) => new(JobOutcome.SourceFetchFailed, message);
}
