using System.Security.Cryptography;
using System.Text;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Worker;

/// <summary>What a job says of what ran.</summary>
public sealed class ProvenanceTests(Stores stores)
{
    const string Failing = "- hosts: all\n  gather_facts: false\n  tasks:\n    - fail: {msg: no}\n";

    [Fact]
    public async Task A_job_tells_the_ansible_the_source_and_the_inventory_that_it_ran_with_also_when_it_fails()
    {
        var system = await stores.SharedAsync();
        const string inventory = "alpha ansible_connection=local\n";

        var (job, _) = await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "inline", content = Failing }, inventory = new { content = inventory } }));

        Assert.Equal(JobOutcome.TasksFailed, job.Outcome);
        Assert.Equal(new JobProvenance(await InstalledAsync(), Sha256(Failing), Sha256(inventory)), job.Provenance);
    }

    [Fact]
    public async Task Two_runs_on_localhost_have_the_same_inventory_and_other_hosts_another_one()
    {
        var system = await stores.SharedAsync();
        var (first, _) = await system.RunAsync(Failing);
        var (second, _) = await system.RunAsync(Failing + "# changed\n");
        var (other, _) = await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "inline", content = Failing }, inventory = new { hosts = new[] { "alpha" } }, check = true }));

        Assert.Equal(first.Provenance!.InventoryDigest, second.Provenance!.InventoryDigest);
        Assert.NotEqual(first.Provenance.SourceDigest, second.Provenance.SourceDigest);
        Assert.NotEqual(first.Provenance.InventoryDigest, other.Provenance!.InventoryDigest);
    }

    [Fact]
    public async Task A_run_that_ends_early_tells_what_was_known_by_then()
    {
        var system = await stores.SharedAsync();

        var (unfetched, _) = await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "local", path = "no-such-directory" }, playbook = "hello.yml" }));
        var (noPlaybook, _) = await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "local" }, playbook = "no-such-playbook.yml" }));

        Assert.Null(unfetched.Provenance);
        Assert.StartsWith("sha256:", noPlaybook.Provenance!.SourceDigest);
        Assert.Null(noPlaybook.Provenance.InventoryDigest);
    }

    [Fact]
    public async Task The_digest_of_a_local_source_tells_names_modes_links_and_contents_apart()
    {
        var root = Directory.CreateTempSubdirectory("aspirejobs-test-");
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:LocalSourceRoot"] = root.FullName });
        string InRoot(string name) => Path.Combine(root.FullName, name);
        await File.WriteAllTextAsync(InRoot("site.yml"), Failing);
        await File.WriteAllTextAsync(InRoot("a"), "text");

        var digests = new List<string?> { await DigestAsync() };
        File.SetLastWriteTimeUtc(InRoot("a"), DateTime.UnixEpoch);
        var touched = await DigestAsync();
        File.Move(InRoot("a"), InRoot("b"));
        digests.Add(await DigestAsync());
        await File.WriteAllTextAsync(InRoot("b"), "next");
        digests.Add(await DigestAsync());
        File.SetUnixFileMode(InRoot("b"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        digests.Add(await DigestAsync());
        File.CreateSymbolicLink(InRoot("link"), "a");
        digests.Add(await DigestAsync());
        File.Delete(InRoot("link"));
        File.CreateSymbolicLink(InRoot("link"), "b");
        digests.Add(await DigestAsync());

        Assert.Equal(digests[0], touched);
        Assert.Equal(digests.Count, digests.Distinct().Count());
        root.Delete(recursive: true);

        async Task<string?> DigestAsync() =>
            // Without a playbook the run ends as soon as the source is there.
            (await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "local" }, playbook = "none.yml" }))).Job.Provenance!.SourceDigest;
    }

    static string Sha256(string text) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";

    // Not with this program's own pipes: whoever shares them may have set them to non-blocking, and then Ansible refuses to start.
    static async Task<string> InstalledAsync() =>
        // ansible-playbook [core 2.14.18]
        (await Checker.AcceptsAsync("ansible-playbook", "ansible-core", ["--version"])).Split('[', ']')[1].Split(' ')[1];
}
