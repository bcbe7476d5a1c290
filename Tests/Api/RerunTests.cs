using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Api;

/// <summary>Jobs that repeat others.</summary>
public sealed class RerunTests(Stores stores)
{
    const string TwoTasks = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {name: First, debug: {msg: one}}\n    - {name: 'Second, of two', debug: {msg: two}}\n";

    [Fact]
    public async Task Without_more_words_the_same_is_done_again()
    {
        var system = await stores.SharedAsync();
        var (job, _) = await system.WaitAsync(await system.SubmitAsync(new
        {
            source = new { type = "inline", content = TwoTasks },
            labels = new { team = "web" },
            not_before = TimeProvider.System.GetUtcNow().AddMilliseconds(1),
            expires_at = TimeProvider.System.GetUtcNow().AddMinutes(5),
        }));

        var (again, log) = await system.RerunAsync(job.Id);

        Assert.Equal((JobOutcome.Success, job.Id), (again.Outcome, again.RerunOf));
        Assert.Equal("web", again.Request.Labels["team"]);
        Assert.Null(again.Request.ExpiresAt);
        Assert.NotEqual(job.TraceId, again.TraceId);
        Assert.Contains("one", log);
    }

    [Theory]
    [InlineData(TwoTasks, "Second, of two", "First")]
    [InlineData("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {name: drop tables, debug: {msg: one}}\n    - {name: 'drop*', debug: {msg: two}}\n", "drop*", "drop tables")]
    public async Task It_can_begin_at_a_task_by_its_name_which_is_no_pattern(string playbook, string task, string before)
    {
        var system = await stores.SharedAsync();
        var (job, _) = await system.RunAsync(playbook);

        var (again, log) = await system.RerunAsync(job.Id, new { from_task = task });

        Assert.Equal(JobOutcome.Success, again.Outcome);
        Assert.DoesNotContain(before, log);
        Assert.Contains("two", log);
    }

    [Fact]
    public async Task A_job_that_was_cancelled_between_two_attempts_has_the_failed_hosts_of_the_last()
    {
        var system = await stores.SharedAsync();
        var id = await system.SubmitAsync(new
        {
            source = new { type = "inline", content = "- hosts: all\n  connection: local\n  gather_facts: false\n  tasks:\n    - {fail: {msg: no}, when: inventory_hostname == 'bad'}\n" },
            inventory = new { hosts = new[] { "bad", "good" } },
            retry_on = new[] { "tasks_failed" }, max_attempts = 2, retry_backoff_seconds = 3600,
        });
        await Poll.UntilAsync(async () => (await system.GetAsync(id)).Waiting?.Reason == WaitingReason.RetryBackoff);
        (await system.Client.PostAsync($"/api/v1/jobs/{id}/cancel", null)).Dispose();

        using var again = await system.PostRerunAsync(id, new { hosts = "failed" });

        Assert.Equal(["bad"], (await again.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("request").GetProperty("limit_hosts").EnumerateArray().Select(host => host.GetString()));
        (await system.Client.PostAsync($"{again.Headers.Location}/cancel", null)).Dispose();
    }

    [Fact]
    public async Task Only_the_hosts_that_failed_or_were_not_reached_can_be_repeated_however_they_are_called_and_many()
    {
        var system = await stores.SharedAsync();
        var odd = new[] { "web server, 1", "a:b;c", "fine*", "ümlaut (x)", "quote'\"d" };
        var many = Enumerable.Range(0, 20).Select(number => $"host-{number:000}-{new string('x', 60)}").ToArray();
        var hosts = odd.Concat(many).Append("fine").ToDictionary(name => name, name => (object?)new { broken = name != "fine" });
        hosts["away"] = new { ansible_connection = "ssh", ansible_host = "127.0.0.1", ansible_port = 1 };
        var (job, _) = await system.WaitAsync(await system.SubmitAsync(new
        {
            source = new { type = "inline", content = "- hosts: all\n  gather_facts: false\n  tasks:\n    - {name: Reach, raw: 'true', when: inventory_hostname == 'away'}\n    - {name: Break, fail: {msg: no}, when: broken | default(false)}\n" },
            inventory = new { content = JsonSerializer.Serialize(new { all = new { vars = new { ansible_connection = "local" }, hosts } }) },
            limit = "all",
            forks = 10,
        }));
        Assert.True(job.Hosts is not null, $"{job.Failure}");
        Assert.Equal(0, job.Hosts["fine"].Failed);

        var (again, _) = await system.RerunAsync(job.Id, new { hosts = "failed" });

        var expected = odd.Concat(many).Append("away").Order(StringComparer.Ordinal);
        Assert.Equal(expected, again.Request.LimitHosts);
        Assert.Equal(expected, again.Hosts!.Keys.Order(StringComparer.Ordinal));
        Assert.True(string.Join(',', again.Request.LimitHosts!).Length > 1024);
        var (third, _) = await system.RerunAsync(again.Id);
        Assert.Equal(expected, third.Hosts!.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_cannot_be_repeated_so_is_told_and_changes_nothing()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var id = await system.SubmitAsync(new { source = new { type = "git", url = "https://example.com/x.git" }, playbook = "site.yml" });

        await RefusedAsync(HttpStatusCode.Conflict, "job-not-final", null);
        (await system.Client.PostAsync($"/api/v1/jobs/{id}/cancel", null)).Dispose();
        await RefusedAsync(HttpStatusCode.Conflict, "no-recap", new { hosts = "failed" });
        await RefusedAsync(HttpStatusCode.Conflict, "no-revision", new { same_revision = true });
        await RefusedAsync(HttpStatusCode.BadRequest, "invalid-request", new { hosts = "some" });
        await RefusedAsync(HttpStatusCode.BadRequest, "invalid-request", new { from_task = "" });
        await RefusedAsync(HttpStatusCode.BadRequest, "invalid-request", new { task = "First" });
        Assert.Single((await system.Client.GetFromJsonAsync<JsonElement>("/api/v1/jobs")).GetProperty("items").EnumerateArray());

        async Task RefusedAsync(HttpStatusCode status, string type, object? how)
        {
            using var response = await system.PostRerunAsync(id, how);
            Assert.Equal((status, $"urn:aspirejobs:problem:{type}"), (response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("type").GetString()));
        }
    }

    [Fact]
    public async Task A_name_of_a_host_is_no_pattern_and_a_masked_one_is_nobodys()
    {
        var system = await stores.SharedAsync();
        object Request(object more) => new
        {
            source = new { type = "inline", content = "- hosts: all\n  connection: local\n  gather_facts: false\n  tasks:\n    - {fail: {msg: no}, when: inventory_hostname != 'okay'}\n" },
            inventory = new { hosts = new[] { "db01", "db02", "okay" } },
            limit_hosts = more as string[],
            secret_vars = more as Dictionary<string, string>,
        };

        var (one, _) = await system.WaitAsync(await system.SubmitAsync(Request(new[] { "db01", "db0?", "ok*", "[d]b02", "db02[0]" })));
        var (masked, _) = await system.WaitAsync(await system.SubmitAsync(Request(new Dictionary<string, string> { ["pw"] = "db01" })));
        using var refused = await system.PostRerunAsync(masked.Id, new { hosts = "failed" });

        Assert.Equal(["db01"], one.Hosts!.Keys);
        Assert.Contains("***", masked.Hosts!.Keys);
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Contains("masked-host", await refused.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_job_of_which_no_host_failed_has_no_failed_hosts_to_repeat()
    {
        var system = await stores.SharedAsync();
        var (job, _) = await system.RunAsync(TwoTasks);

        using var response = await system.PostRerunAsync(job.Id, new { hosts = "failed" });

        Assert.Equal(HttpStatusCode.Conflict, response.StatusCode);
        Assert.Contains("no-failed-hosts", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Its_secrets_are_those_of_the_first_and_sealed_anew()
    {
        var system = await stores.SharedAsync();
        var (job, first) = await system.WaitAsync(await system.SubmitAsync(new
        {
            source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ pin | hash('sha256') }} {{ pin }}\"}\n" },
            secret_vars = new { pin = "s3cret-of-the-first" },
        }));

        var (again, second) = await system.RerunAsync(job.Id);

        var shown = Assert.Single(first.Split('\n'), line => line.Contains("\"msg\"", StringComparison.Ordinal));
        Assert.EndsWith(" ***\"", shown);
        Assert.Contains(shown, second);
        Assert.Equal("***", again.Request.SecretVars!["pin"]);
    }

    [Fact]
    public async Task Asked_twice_under_one_idempotency_key_it_is_one_job()
    {
        var system = await stores.SharedAsync();
        var (job, _) = await system.RunAsync(TwoTasks);
        var (other, _) = await system.RunAsync(TwoTasks);
        var key = Guid.NewGuid().ToString();

        using var first = await PostAsync(job.Id, null);
        using var again = await PostAsync(job.Id, new { });
        using var changed = await PostAsync(job.Id, new { from_task = "Second, of two" });
        using var ofAnother = await PostAsync(other.Id, null);

        Assert.Equal((HttpStatusCode.Accepted, HttpStatusCode.Accepted), (first.StatusCode, again.StatusCode));
        Assert.Equal(first.Headers.Location, again.Headers.Location);
        Assert.Equal("true", again.Headers.GetValues("Idempotency-Replayed").Single());
        Assert.Equal((HttpStatusCode.UnprocessableEntity, HttpStatusCode.UnprocessableEntity), (changed.StatusCode, ofAnother.StatusCode));

        Task<HttpResponseMessage> PostAsync(JobId id, object? how) => system.Client.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/api/v1/jobs/{id}/rerun")
        {
            Headers = { { "Idempotency-Key", key } },
            Content = how is null ? null : JsonContent.Create(how),
        });
    }

    [Fact]
    public async Task Asked_again_under_its_key_it_is_the_same_job_also_when_a_credential_has_gone_since()
    {
        var system = await stores.SharedAsync();
        var credential = $"c-{Guid.NewGuid()}";
        (await system.Client.PostAsJsonAsync("/api/v1/credentials", new { name = credential, type = "password", values = new { password = "of-the-vault" } })).EnsureSuccessStatusCode();
        var (job, _) = await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "inline", content = TwoTasks }, credentials = new[] { credential } }));
        var key = Guid.NewGuid().ToString();
        using var first = await PostAsync(key);
        (await system.Client.DeleteAsync($"/api/v1/credentials/{credential}")).EnsureSuccessStatusCode();

        using var again = await PostAsync(key);
        using var other = await PostAsync(Guid.NewGuid().ToString());

        Assert.Equal((HttpStatusCode.Accepted, HttpStatusCode.Accepted, HttpStatusCode.Conflict), (first.StatusCode, again.StatusCode, other.StatusCode));
        Assert.Equal(first.Headers.Location, again.Headers.Location);

        Task<HttpResponseMessage> PostAsync(string key) => system.Client.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/api/v1/jobs/{job.Id}/rerun") { Headers = { { "Idempotency-Key", key } } });
    }

    [Fact]
    public async Task Asked_again_under_its_key_it_is_the_same_job_also_when_the_first_has_been_removed_since()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var id = await system.SubmitAsync(new { source = new { type = "inline", content = TwoTasks }, secret_vars = new { pin = "s3cret-of-the-first" } });
        (await system.Client.PostAsync($"/api/v1/jobs/{id}/cancel", null)).Dispose();
        var key = Guid.NewGuid().ToString();
        using var first = await PostAsync(key);
        await system.ExecuteAsync($"delete from jobs where id = '{id.Value}'");

        using var again = await PostAsync(key);
        using var changed = await PostAsync(key, new { from_task = "First" });
        using var other = await PostAsync(Guid.NewGuid().ToString());

        Assert.Equal((HttpStatusCode.Accepted, HttpStatusCode.Accepted), (first.StatusCode, again.StatusCode));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, HttpStatusCode.NotFound), (changed.StatusCode, other.StatusCode));
        Assert.Equal(first.Headers.Location, again.Headers.Location);

        Task<HttpResponseMessage> PostAsync(string key, object? how = null) => system.Client.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/api/v1/jobs/{id}/rerun")
        {
            Headers = { { "Idempotency-Key", key } },
            Content = how is null ? null : JsonContent.Create(how),
        });
    }

    [Fact]
    public async Task The_same_revision_of_a_local_source_runs_only_if_it_is_still_there()
    {
        var root = Directory.CreateTempSubdirectory("aspirejobs-test-");
        var playbook = Path.Combine(root.FullName, "site.yml");
        await File.WriteAllTextAsync(playbook, TwoTasks);
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:LocalSourceRoot"] = root.FullName });
        var (job, _) = await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "local" }, playbook = "site.yml" }));

        var (same, _) = await system.RerunAsync(job.Id, new { same_revision = true });
        await File.AppendAllTextAsync(playbook, "    - debug: {msg: three}\n");
        var (pinned, _) = await system.RerunAsync(job.Id, new { same_revision = true });
        var (current, log) = await system.RerunAsync(job.Id);

        Assert.Equal((JobOutcome.Success, job.Provenance!.SourceDigest), (same.Outcome, same.Request.Source!.Digest));
        Assert.Equal(JobOutcome.SourceFetchFailed, pinned.Outcome);
        Assert.Contains(job.Provenance.SourceDigest!, pinned.Failure!.Message);
        Assert.Equal(JobOutcome.Success, current.Outcome);
        Assert.Contains("three", log);
        root.Delete(recursive: true);
    }
}
