using System.Diagnostics;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Worker;

/// <summary>Paths that the runtime cannot name: longer than the system takes in one piece, or not in UTF-8.</summary>
public sealed class PathTests(Stores stores) : IAsyncDisposable
{
    // Python, below the directory in which it starts.
    const string Deep = "import os\nfor _ in range(60): os.mkdir('d' * 100); os.chdir('d' * 100)";
    const string Foreign = "open(b'aa\\xff', 'x').write('text')";

    readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("aspirejobs-test-");

    public async ValueTask DisposeAsync() => await RunAsync("rm", "-rf", "--", _root.FullName);

    [Theory]
    [InlineData(Deep)]
    [InlineData(Foreign)]
    public async Task What_a_playbook_leaves_is_removed_and_its_success_stays_one(string program)
    {
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:WorkDirectory"] = _root.FullName });
        var argument = program.Replace("\\", "\\\\").Replace("\n", "\\n");

        var (job, log) = await system.RunAsync($"- hosts: localhost\n  gather_facts: false\n  tasks:\n    - command: {{argv: [python3, -c, \"{argument}\"]}}\n");

        Assert.True(job.Outcome == JobOutcome.Success, log);
        Assert.Empty(Directory.GetDirectories(Assert.Single(Directory.GetDirectories(_root.FullName))));
    }

    [Fact]
    public async Task A_worker_starts_and_removes_what_a_dead_one_left()
    {
        var leftover = _root.CreateSubdirectory("aspirejobs-deadbeef");
        File.Create(Path.Combine(leftover.FullName, "owner")).Dispose();
        await MakeAsync(leftover, Deep);
        await MakeAsync(leftover, Foreign);

        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:WorkDirectory"] = _root.FullName });
        await system.RunShortAsync();

        Assert.False(Directory.Exists(leftover.FullName));
    }

    [Theory]
    [InlineData(Deep, "cannot be copied")]
    [InlineData(Foreign, "is not valid UTF-8")]
    public async Task A_local_source_that_cannot_be_copied_is_refused(string program, string reason)
    {
        // Far longer than the path of the copy, so that reading meets the end of what can be named first.
        var source = _root.CreateSubdirectory(new string('s', 200));
        await MakeAsync(source, program);
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:LocalSourceRoot"] = source.FullName });

        var (job, _) = await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "local" }, playbook = "site.yml" }));

        Assert.Equal(JobOutcome.SourceFetchFailed, job.Outcome);
        Assert.Contains(reason, job.Failure!.Message);
    }

    static Task MakeAsync(DirectoryInfo directory, string program) => RunAsync("python3", "-c", $"import os\nos.chdir('{directory.FullName}')\n{program}");

    static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync(CancellationToken.None);
        Assert.Equal(0, process.ExitCode);
    }
}
