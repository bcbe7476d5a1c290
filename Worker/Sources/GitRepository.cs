using System.Globalization;
using System.Text.RegularExpressions;
using AspireJobs.Jobs;
using AspireJobs.Worker.Ansible;

namespace AspireJobs.Worker.Sources;

/// <summary>A repository within another one.</summary>
/// <param name="Path">Its directory, relative to the other's.</param>
/// <param name="Commit">What is wanted of it.</param>
internal sealed record GitSubmodule(string Path, string Commit);

/// <summary>git at work on one address in one directory.</summary>
/// <param name="Commands">Runs it.</param>
/// <param name="Git">The words, the directory and the environment of every command.</param>
/// <param name="Address">The repository.</param>
/// <param name="Redactor">Knows the credential.</param>
/// <param name="Stop">Ends the command that runs.</param>
internal sealed partial record GitRepository(Commands Commands, Command Git, GitAddress Address, Redactor Redactor, CancellationToken Stop)
{
    const int LongestComplaint = 500;

    // A file would have grown beyond the limit under which git runs (SIGXFSZ). Of a pack git says nothing but this; of one that broke off, more.
    const string FileTooLarge = "died of signal 25";
    const string PackTooLarge = "fatal: fetch-pack: invalid index-pack output";

    const string Submodules = ".gitmodules";
    const int LargestSubmodules = 1 << 20;

    const int NoSuchSetting = 1;

    /// <summary>Where it lies within the source; null for the source itself.</summary>
    public string? SubmodulePath { get; init; }

    /// <summary>Makes the repository.</summary>
    public Task InitAsync() => RunAsync(["init", "--quiet", "--template=", "."]);

    /// <summary>Brings the wanted commit, if possible without its history, and returns how git then calls it.</summary>
    public async Task<string> FetchAsync(string wanted)
    {
        string[] fetch = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"];
        var isCommit = GitRef.IsCommit(wanted);
        var shallow = await TryAsync([.. fetch, "--depth=1", "--", Address.Text, wanted]);
        if (!shallow.Succeeded)
        {
            if (!NeedsMore(shallow.Output))
                throw Failed(shallow);
            string[] all = isCommit ? ["+refs/heads/*:refs/fetched/heads/*", "+refs/tags/*:refs/fetched/tags/*"] : [wanted];
            await RunAsync([.. fetch, "--", Address.Text, .. all]);
        }
        return isCommit ? wanted : "FETCH_HEAD";
    }

    // A server of plain files cannot cut the history; an old one hands out commits only by the name of a branch or tag.
    static bool NeedsMore(string output) =>
        output.Contains("dumb http transport does not support shallow", StringComparison.Ordinal) ||
        output.Contains("Server does not allow request for unadvertised object", StringComparison.Ordinal);

    /// <summary>Hands over the size of each file of a commit, in bytes, and each submodule.</summary>
    public Task ListAsync(string commit, Action<long> file, Action<GitSubmodule> submodule) =>
        // 100644 blob 257cc5642cb1a054f08cc83f2d943e56fd3ebe99       4	site.yml
        RunAsync(["-c", "core.quotePath=false", "ls-tree", "-r", "-l", "--full-tree", commit], line =>
        {
            var (entry, path) = line.Split('\t', 2) is [var first, var second] ? (first, second) : (line, "");
            var fields = entry.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            file(fields is [_, "blob", _, var size] ? long.Parse(size, CultureInfo.InvariantCulture) : 0);
            if (fields is [_, "commit", var pinned, ..])
                submodule(new(path, pinned));
        });

    /// <summary>Unpacks a commit and returns its full name, with that of its tree as the digest.</summary>
    public async Task<FetchedSource> CheckOutAsync(string commit)
    {
        await RunAsync(["checkout", "--quiet", "--detach", commit]);
        var names = (await RunAsync(["rev-parse", "HEAD", "HEAD^{tree}"])).Output.Trim().Split('\n');
        return new($"git-tree:{names[1]}", names[0]);
    }

    /// <summary>Bytes in which git keeps what it has fetched.</summary>
    public long StoredBytes() => new DirectoryInfo(Path.Combine(Git.Directory, ".git", "objects")).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    /// <summary>
    /// Reads <c>.gitmodules</c> of the commit that is checked out: the submodules' addresses as they are written, by path, without those that say
    /// <c>update = none</c>.
    /// </summary>
    public async Task<Dictionary<string, string>> SubmoduleAddressesAsync()
    {
        var file = new FileInfo(Path.Combine(Git.Directory, Submodules));
        if (!file.Exists)
            return [];
        if (file.Length > LargestSubmodules)
            throw Failed($"{Address.Text}: its {Submodules} is larger than {LargestSubmodules} bytes");
        var settings = new Dictionary<(string Name, string Key), string>();
        // submodule.shared roles.path roles/shared
        var result = await TryAsync(["config", $"--file={Submodules}", "--get-regexp", "^submodule\\."], line =>
        {
            if (SubmoduleSetting().Match(line) is { Success: true } match)
                settings[(match.Groups["name"].Value, match.Groups["key"].Value)] = match.Groups["value"].Value;
        });
        if (!result.Succeeded && result.ExitCode != NoSuchSetting)
            throw Failed(result);
        var addresses = new Dictionary<string, string>();
        foreach (var ((name, key), path) in settings)
            if (key == "path" && settings.TryGetValue((name, "url"), out var address) && settings.GetValueOrDefault((name, "update")) != "none")
                addresses[path] = address;
        return addresses;
    }

    /// <summary>A submodule's repository, to be fetched from where <c>.gitmodules</c> says.</summary>
    /// <exception cref="JobFailedException">That is no allowed address, or the directory is not there.</exception>
    public GitRepository Submodule(GitSubmodule submodule, string written, GitAccess access)
    {
        var path = PathOf(submodule);
        var meant = Address.Resolve(written);
        if (!GitAddress.TryParse(meant, out var address))
            throw Failed($"submodule {path}: its address in {Submodules} {GitAddress.Fault(meant)}");
        if (!IsDirectory(submodule.Path))
            throw Failed($"submodule {path}: its directory is not there");
        var git = Git with { Directory = Path.Combine(Git.Directory, submodule.Path), Environment = access.Environment(address) };
        return this with { Git = git, Address = address, SubmodulePath = path };
    }

    /// <summary>A submodule's path within the source, fit to be shown.</summary>
    public string PathOf(GitSubmodule submodule) => LogText.MakeHarmless(SubmodulePath is null ? submodule.Path : $"{SubmodulePath}/{submodule.Path}");

    // And not a link, through which a repository could lead git anywhere.
    bool IsDirectory(string path) =>
        SourcePath.Resolve(Git.Directory, path) is { } real && real == Path.Combine(SourcePath.Resolve(Git.Directory, ".")!, path);

    Task<CommandResult> TryAsync(string[] words, Action<string>? handle = null) =>
        Commands.RunAsync(Git with { Words = [.. Git.Words, .. words] }, Stop, handle);

    async Task<CommandResult> RunAsync(string[] words, Action<string>? handle = null)
    {
        var result = await TryAsync(words, handle);
        return result.Succeeded ? result : throw Failed(result);
    }

    JobFailedException Failed(CommandResult result)
    {
        var complaint = result.Output.Contains(FileTooLarge, StringComparison.Ordinal) || result.Complaint == PackTooLarge
            ? "it is larger than this worker takes"
            : LogText.MakeHarmless(Redactor.Redact(result.Complaint));
        var what = SubmodulePath is null ? Address.Text : $"submodule {SubmodulePath}, {Address.Text}";
        return Failed($"{what}: {(complaint.Length > LongestComplaint ? complaint[..LongestComplaint] : complaint)}");
    }

    static JobFailedException Failed(string why) => new(JobOutcome.SourceFetchFailed, $"git cannot fetch {why}");

    [GeneratedRegex(@"^submodule\.(?<name>.+?)\.(?<key>path|url|update) (?<value>.+)\z")]
    private static partial Regex SubmoduleSetting();
}
