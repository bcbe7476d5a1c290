using System.Globalization;
using AspireJobs.Jobs;
using AspireJobs.Worker.Ansible;

namespace AspireJobs.Worker.Sources;

/// <summary>git at work on one address in one directory.</summary>
/// <param name="Commands">Runs it.</param>
/// <param name="Git">The words, the directory and the environment of every command.</param>
/// <param name="Address">The repository.</param>
/// <param name="Redactor">Knows the credential.</param>
/// <param name="Stop">Ends the command that runs.</param>
internal sealed record GitRepository(Commands Commands, Command Git, GitAddress Address, Redactor Redactor, CancellationToken Stop)
{
    const int LongestComplaint = 500;

    // SIGXFSZ: a file would have grown beyond the limit under which git runs.
    const string TooLarge = "died of signal 25";

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

    /// <summary>Hands over the size of each file of a commit, in bytes, and the path of each submodule.</summary>
    public Task ListAsync(string commit, Action<long> file, Action<string> submodule) =>
        // 100644 blob 257cc5642cb1a054f08cc83f2d943e56fd3ebe99       4	site.yml
        RunAsync(["ls-tree", "-r", "-l", "--full-tree", commit], line =>
        {
            var (entry, path) = line.Split('\t', 2) is [var first, var second] ? (first, second) : (line, "");
            var fields = entry.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            file(fields is [_, "blob", _, var size] ? long.Parse(size, CultureInfo.InvariantCulture) : 0);
            if (fields is [_, "commit", ..])
                submodule(path);
        });

    /// <summary>Unpacks a commit and returns its full name, with that of its tree as the digest.</summary>
    public async Task<FetchedSource> CheckOutAsync(string commit)
    {
        await RunAsync(["checkout", "--quiet", "--detach", commit]);
        var names = (await RunAsync(["rev-parse", "HEAD", "HEAD^{tree}"])).Output.Trim().Split('\n');
        return new($"git-tree:{names[1]}", names[0]);
    }

    Task<CommandResult> TryAsync(string[] words, Action<string>? handle = null) =>
        Commands.RunAsync(Git with { Words = [.. Git.Words, .. words] }, Stop, handle);

    async Task<CommandResult> RunAsync(string[] words, Action<string>? handle = null)
    {
        var result = await TryAsync(words, handle);
        return result.Succeeded ? result : throw Failed(result);
    }

    JobFailedException Failed(CommandResult result)
    {
        var complaint = result.Output.Contains(TooLarge, StringComparison.Ordinal)
            ? "it is larger than this worker takes"
            : LogText.MakeHarmless(Redactor.Redact(result.Complaint));
        return new(JobOutcome.SourceFetchFailed,
            $"git cannot fetch {Address.Text}: {(complaint.Length > LongestComplaint ? complaint[..LongestComplaint] : complaint)}");
    }
}
