using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using AspireJobs.Worker.Ansible;
using Microsoft.Extensions.Options;

namespace AspireJobs.Tests.Worker;

/// <summary>The runner of playbooks, and what it needs of the machine.</summary>
public sealed class AnsiblePlaybookTests(Stores stores) : IDisposable
{
    readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("aspirejobs-test-");

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_playbook_that_is_stopped_while_it_is_prepared_does_not_begin()
    {
        var began = false;
        var source = Path.Combine(_directory.FullName, "source");
        Directory.CreateDirectory(source);

        var result = await new AnsiblePlaybook(Options.Create(new AnsibleOptions())).RunAsync(new PlaybookRun
        {
            Request = new JobRequest { Source = new JobSource { Type = SourceType.Inline, Content = "- hosts: localhost\n" } },
            WorkDirectory = Path.Combine(_directory.FullName, "run"),
            SourceDirectory = source,
            Credentials = [],
            Redactor = new Redactor([]),
            Begin = _ => began = true,
            Log = (_, _) => ValueTask.CompletedTask,
            Event = (_, _) => ValueTask.CompletedTask,
        }, new CancellationToken(canceled: true));

        Assert.Equal((JobOutcome.Cancelled, false), (result.Outcome, began));
    }

    [Fact]
    public async Task A_worker_lives_and_keeps_its_leases_although_its_Ansible_does_not_tell_its_version()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var ansible = Write("ansible-playbook", $"#!{Write("python-that-hangs", "#!/bin/sh\n[ \"$1\" = -c ] && exec sleep 600\nexec python3 \"$@\"\n")}\n");
        using var worker = ServiceProcess.StartWorker(system, ("Ansible:Command", ansible));

        await Poll.UntilAsync(async () => (await system.Client.GetStringAsync("/api/v1/workers", Stop)).Contains("\"active\"", StringComparison.Ordinal));

        Assert.Equal(0, await worker.StopAsync());
    }

    string Write(string name, string text)
    {
        var path = Path.Combine(_directory.FullName, name);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
