using System.Text;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using AspireJobs.Worker.Ansible;

namespace AspireJobs.Tests.Worker;

/// <summary>What the playbook says of its secrets, and what is left of it.</summary>
public sealed class RedactionTests(Stores stores)
{
    const string Tasks = "- hosts: localhost\n  gather_facts: false\n  tasks:\n";

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Told => new()
    {
        // Ansible breaks its warnings into lines of 79 characters.
        { $"eyJ{new string('k', 70)}SECRET{new string('q', 70)}", "    - debug: {msg: \"{{ lookup('file', pin, errors='warn') }}\"}\n" },
        { "correct horse battery staple and a SECRET that goes on for longer than a line of text does", "    - debug: {msg: \"{{ lookup('file', pin, errors='warn') }}\"}\n" },
        { "ctl\u0001SECRET\u001bvalue\u0085end", "    - fail: {msg: \"wrong password {{ pin }}\"}\n" },
        { "it's-SECRET-pass", "    - shell: \"false {{ pin | quote }}\"\n" },
        { "it's-SECRET-pass", "    - shell: \"set -x; : {{ pin | quote }}; false\"\n" },
        { "it's-\"SECRET\"-pass", "    - fail: {msg: \"{{ {'k': pin} | string }}\"}\n" },
        { "back\\slash-\u00fc-SECRET", "    - fail: {msg: \"{{ {'k': {'k': pin} | to_json} | to_json }}\"}\n" },
    };

    [Theory]
    [MemberData(nameof(Told))]
    public async Task However_a_playbook_tells_a_secret_it_is_in_no_log_event_or_message(string secret, string task)
    {
        var system = await stores.SharedAsync();

        var (job, log) = await RunAsync(system, Tasks + task, new() { ["pin"] = secret }, verbosity: 1);

        Assert.Contains("***", log);
        foreach (var text in new[] { log, JsonSerializer.Serialize(job, JobsJson.Default.Job), (await system.EventsAsync(job.Id)).GetRawText() })
            Assert.DoesNotContain("SECRET", text);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("hosts")]
    [InlineData("failed")]
    [InlineData("task")]
    [InlineData("rescued")]
    public async Task A_secret_that_is_a_word_of_the_events_does_not_change_how_the_run_ended(string word)
    {
        var system = await stores.SharedAsync();

        var (job, _) = await RunAsync(system, Tasks + "    - fail: {msg: stopped}\n", new() { ["pin"] = word });

        Assert.Equal(JobOutcome.TasksFailed, job.Outcome);
        Assert.Equal(1, Assert.Single(job.Hosts!).Value.Failed);
    }

    [Fact]
    public async Task Hosts_whose_names_are_the_same_without_secrets_are_counted_together()
    {
        var system = await stores.SharedAsync();
        using var accepted = await system.PostJobAsync(new
        {
            source = new { type = "inline", content = "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: here}\n" },
            inventory = new { hosts = new[] { "10.20.30.40", "10.20.30.41", "other" } },
            secret_vars = new Dictionary<string, string> { ["one"] = "10.20.30.40", ["two"] = "10.20.30.41" },
        });
        var (job, _) = await system.WaitAsync(JsonSerializer.Deserialize(await accepted.Content.ReadAsStringAsync(Stop), JobsJson.Default.Job)!.Id);

        Assert.Equal(JobOutcome.Success, job.Outcome);
        Assert.Equal([("***", 2), ("other", 1)], job.Hosts!.OrderBy(host => host.Key).Select(host => (host.Key, host.Value.Ok)));
    }

    [Theory]
    [InlineData("before overlapAAABBBtail after", "before *** after")]
    [InlineData("overlapAAABBB BBBtail", "*** ***")]
    [InlineData("overlapAAABB BBBtai", "overlapAAABB BBBtai")]
    public void Secrets_that_overlap_are_masked_to_the_end_of_the_last_however_the_log_is_cut(string said, string safe)
    {
        var redactor = new Redactor(["overlapAAABBB", "BBBtail"]);

        Assert.Equal(safe, redactor.Redact(said));
        for (var cut = 0; cut <= said.Length; cut++)
        {
            var log = new LogText(redactor);
            Assert.Equal(safe, log.Read(Encoding.UTF8.GetBytes(said[..cut]), last: false) + log.Read(Encoding.UTF8.GetBytes(said[cut..]), last: true));
        }
    }

    [Fact]
    public void A_long_line_of_a_secret_that_overlaps_itself_is_not_held_back_until_its_end()
    {
        var log = new LogText(new Redactor(["aaaa"]));

        Assert.Equal("***", log.Read(Encoding.UTF8.GetBytes(new string('a', 1000)), last: false)[..3]);
    }

    static async Task<(Job Job, string Log)> RunAsync(JobSystem system, string playbook, Dictionary<string, string> secrets, int verbosity = 0)
    {
        using var accepted = await system.PostJobAsync(new { source = new { type = "inline", content = playbook }, secret_vars = secrets, verbosity });
        return await system.WaitAsync(JsonSerializer.Deserialize(await accepted.Content.ReadAsStringAsync(Stop), JobsJson.Default.Job)!.Id);
    }
}
