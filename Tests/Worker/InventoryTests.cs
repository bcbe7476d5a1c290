using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Worker;

/// <summary>Which hosts a job runs on, and what is known of them.</summary>
public sealed class InventoryTests(Stores stores) : IDisposable
{
    const string Playbook = "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ inventory_hostname }} in {{ place | default('nowhere') }}\"}\n";

    readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("aspirejobs-test-");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task A_link_to_an_inventory_takes_the_variables_beside_the_link()
    {
        Write("site.yml", Playbook);
        Write("common/hosts", "own ansible_connection=local\n");
        Write("common/group_vars/all.yml", "place: common\n");
        Write("inventories/prod/group_vars/all.yml", "place: prod\n");
        File.CreateSymbolicLink(InRoot("inventories/prod/hosts"), "../../common/hosts");

        var (job, log) = await RunAsync("inventories/prod/hosts");

        Assert.True(job.Outcome == JobOutcome.Success, log);
        Assert.Contains("own in prod", log);
    }

    [Fact]
    public async Task A_link_to_an_inventory_outside_the_source_is_refused()
    {
        Write("site.yml", Playbook);
        File.CreateSymbolicLink(InRoot("hosts"), "/etc/hosts");

        var (job, _) = await RunAsync("hosts");

        Assert.Equal(JobOutcome.InventoryInvalid, job.Outcome);
    }

    [Fact]
    public async Task The_final_report_of_a_large_inventory_is_read_whole()
    {
        var system = await stores.SharedAsync();
        // As long as the report of ten thousand hosts, in a hundredth of the time.
        var name = new string('h', 40_000);

        var (job, _) = await system.WaitAsync(await system.SubmitAsync(new
        {
            source = new { type = "inline", content = Playbook },
            inventory = new { content = $"{name}[1:30] ansible_connection=local\n" },
        }));

        Assert.Equal(JobOutcome.Success, job.Outcome);
        Assert.Equal(30, job.Hosts!.Count);
    }

    async Task<(Job Job, string Log)> RunAsync(string inventory)
    {
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:LocalSourceRoot"] = _root.FullName });
        return await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "local" }, playbook = "site.yml", inventory = new { path = inventory } }));
    }

    string InRoot(string name) => Path.Combine(_root.FullName, name);

    void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(InRoot(name))!);
        File.WriteAllText(InRoot(name), text);
    }
}
