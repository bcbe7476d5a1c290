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
        // What is fetched stays one pack, so the limit of a file's size is that of the pack. Few objects would become a file each.
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
            return await FetchSourceAsync(fetch, address, wanted, either.Token);
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

    async Task<FetchedSource> FetchSourceAsync(SourceFetch fetch, GitAddress address, string wanted, CancellationToken stop)
    {
        var access = new GitAccess(options.Value.Git, new PrivateFiles(fetch.Private), address, fetch.Credential);
        // No file, so no pack either, grows beyond the limit while it is fetched.
        string[] words = ["prlimit", $"--fsize={options.Value.MaxSourceBytes}", "--", "git", .. Settings, .. access.Settings()];
        var git = new Command(words, fetch.Directory, access.Environment(address));
        var repository = new GitRepository(commands, git, address, new(fetch.Credential?.Secrets ?? []), stop);
        var common = new Common(access, new SourceSize(options.Value), new SourceSize(options.Value), []);
        var fetched = await FetchRepositoryAsync(repository, wanted, common);
        return common.LeftOut.Count == 0
            ? fetched
            : fetched with { Warning = $"submodules left empty, as .gitmodules has no address for them or says so: {Some(common.LeftOut)}" };
    }

    static async Task<FetchedSource> FetchRepositoryAsync(GitRepository repository, string wanted, Common common)
    {
        await repository.InitAsync();
        var commit = await repository.FetchAsync(wanted);
        common.Fetched.Add(repository.StoredBytes());
        // Before anything is unpacked: a small pack can hold a huge tree.
        var submodules = new List<GitSubmodule>();
        await repository.ListAsync(commit, common.Files.Add, submodules.Add);
        var fetched = await repository.CheckOutAsync(commit);
        var addresses = submodules.Count > 0 ? await repository.SubmoduleAddressesAsync() : [];
        foreach (var submodule in submodules)
            if (addresses.TryGetValue(submodule.Path, out var written))
                await FetchRepositoryAsync(repository.Submodule(submodule, written, common.Access), submodule.Commit, common);
            else
                common.LeftOut.Add(repository.PathOf(submodule));
        return fetched;
    }

    static string Some(List<string> paths) =>
        paths.Count <= MostNamed ? string.Join(", ", paths) : $"{string.Join(", ", paths.Take(MostNamed))} and {paths.Count - MostNamed} more";

    // What a repository and its submodules share: Fetched counts what git keeps, Files what is unpacked.
    sealed record Common(GitAccess Access, SourceSize Fetched, SourceSize Files, List<string> LeftOut);

    static JobFailedException Failed(string message) => new(JobOutcome.SourceFetchFailed, message);
}
