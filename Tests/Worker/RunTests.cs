using System.Net;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace AspireJobs.Tests.Worker;

/// <summary>What happens around and during a run.</summary>
public sealed class RunTests(Stores stores)
{
    const string Sleeper = """
        - hosts: localhost
          gather_facts: false
          tasks:
            - name: Begin
              debug: {msg: started}
            - name: Sleep
              command: sleep 300
        """;

    [Fact]
    public async Task Events_are_numbered_without_gaps_from_the_start_to_the_recap()
    {
        var system = await stores.SharedAsync();
        var (job, _) = await system.RunAsync("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ item }}\"}\n      loop: [1, 2, 3]\n");

        var events = await system.EventsAsync(job.Id);

        Assert.Equal(Enumerable.Range(1, events.GetArrayLength()), events.EnumerateArray().Select(e => e.GetProperty("seq").GetInt32()));
        var types = events.EnumerateArray().Select(e => e.GetProperty("type").GetString()).ToList();
        Assert.Equal("playbook_on_start", types[0]);
        Assert.Equal("playbook_on_stats", types[^1]);
        Assert.Equal(3, types.Count(type => type == "runner_item_on_ok"));
    }

    [Fact]
    public async Task Cancelling_a_running_job_kills_its_whole_process_tree()
    {
        var system = await stores.SharedAsync();
        var marker = $"{Random.Shared.Next(100_000, 999_999)}";
        var id = await system.SubmitAsync(new { source = new { type = "inline", content = Sleeper.Replace("sleep 300", $"sleep 300.{marker}") } });
        await system.WaitForLogAsync(id, "TASK [Sleep]");

        using var response = await system.Client.PostAsync($"/api/v1/jobs/{id}/cancel", null);
        var (job, log) = await system.WaitAsync(id);

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal((JobStatus.Cancelled, JobOutcome.Cancelled), (job.Status, job.Outcome));
        Assert.Contains("started", log);
        Assert.Empty(Processes.WithArgument($"300.{marker}"));
    }

    [Fact]
    public async Task A_job_that_takes_too_long_is_stopped()
    {
        var system = await stores.SharedAsync();

        var (job, _) = await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "inline", content = Sleeper }, timeout_seconds = 3 }));

        Assert.Equal((JobStatus.Failed, JobOutcome.TimedOut), (job.Status, job.Outcome));
        Assert.Contains("3", job.Failure!.Message);
    }

    [Fact(Timeout = 60_000)]
    public async Task The_next_job_starts_while_the_result_of_the_last_one_is_being_stored()
    {
        using Gate first = new(), second = new();
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:Slots"] = "1" });
        var ended = await system.SubmitAsync(new { source = first.Source });
        await system.WaitForLogAsync(ended, "TASK [Hold]");
        var next = await system.SubmitAsync(new { source = second.Source });

        await using (var connection = new NpgsqlConnection(system.Postgres))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
            // Nothing but the end of an attempt writes there.
            await using var hold = new NpgsqlCommand("lock table job_attempts in share mode", connection);
            await hold.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            first.Open();
            await system.WaitForLogAsync(next, "TASK [Hold]");
            Assert.Equal(JobStatus.Running, (await system.GetAsync(ended)).Status);
        }

        second.Open();
        Assert.Equal(JobOutcome.Success, (await system.WaitAsync(ended)).Job.Outcome);
        Assert.Equal(JobOutcome.Success, (await system.WaitAsync(next)).Job.Outcome);
    }

    [Fact]
    public async Task Options_reach_the_playbook()
    {
        var system = await stores.SharedAsync();
        var (job, log) = await system.WaitAsync(await system.SubmitAsync(new
        {
            source = new
            {
                type = "inline",
                content = """
                    - hosts: all
                      gather_facts: false
                      tasks:
                        - {name: tagged, debug: {msg: "{{ greeting }} {{ inventory_hostname }} check={{ ansible_check_mode }} forks={{ ansible_forks }}"}, tags: [wanted]}
                        - {name: untagged, fail: {}}
                        - {name: skipped, fail: {}, tags: [wanted, unwanted]}
                    """,
            },
            inventory = new { content = "[web]\nalpha ansible_connection=local\nbeta ansible_connection=local\n" },
            limit = "beta",
            tags = new[] { "wanted" },
            skip_tags = new[] { "unwanted" },
            check = true,
            forks = 7,
            verbosity = 1,
            extra_vars = new { greeting = "dobrý den" },
        }));

        Assert.Equal(JobOutcome.Success, job.Outcome);
        Assert.Contains("dobrý den beta check=True forks=7", log);
        Assert.DoesNotContain("alpha", log);
    }

    [Fact]
    public async Task A_directory_outside_the_allowed_root_is_refused_though_a_link_leads_there()
    {
        var root = Directory.CreateTempSubdirectory();
        Directory.CreateSymbolicLink(Path.Combine(root.FullName, "out"), "/etc");
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:LocalSourceRoot"] = root.FullName });

        var (job, _) = await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "local", path = "out" }, playbook = "site.yml" }));

        Assert.Equal(JobOutcome.SourceFetchFailed, job.Outcome);
        root.Delete(recursive: true);
    }

    [Fact]
    public async Task A_local_source_is_copied_with_its_modes_and_links_and_without_waiting_for_what_is_no_file()
    {
        const string Playbook =
            """
            - hosts: localhost
              tasks:
                - command: find . -mindepth 1 -not -name site.yml -printf '%P %y %m %l;'
                  args: {chdir: "{{ playbook_dir }}"}
                  register: found
                - {debug: {msg: "{{ found.stdout.split(';') | sort | join(';') }}"}}
            """;
        var root = Directory.CreateTempSubdirectory();
        string InRoot(string name) => Path.Combine(root.FullName, name);
        await File.WriteAllTextAsync(InRoot("site.yml"), Playbook);
        Directory.CreateDirectory(InRoot("closed"));
        await File.WriteAllTextAsync(InRoot("closed/program"), "#!/bin/sh\n");
        File.SetUnixFileMode(InRoot("closed/program"), (UnixFileMode)0b111_101_000);
        File.SetUnixFileMode(InRoot("closed"), (UnixFileMode)0b101_101_000);
        File.CreateSymbolicLink(InRoot("dangling"), "nowhere");
        File.CreateSymbolicLink(InRoot("link"), "closed");
        Assert.Equal(0, MakeFifo(InRoot("pipe"), 0b110_000_000));
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:LocalSourceRoot"] = root.FullName });

        var (job, log) = await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "local" }, playbook = "site.yml" }));

        Assert.Equal(JobOutcome.Success, job.Outcome);
        Assert.Contains(";closed d 550 ;closed/program f 750 ;dangling l 777 nowhere;link l 777 closed;pipe f 600 ", log);
        File.SetUnixFileMode(InRoot("closed"), (UnixFileMode)0b111_101_000);
        root.Delete(recursive: true);
    }

    [Fact]
    public async Task A_local_source_with_the_workers_own_directory_in_it_is_refused()
    {
        var root = Directory.CreateTempSubdirectory();
        var settings = new Dictionary<string, string> { ["Worker:LocalSourceRoot"] = root.FullName, ["Worker:WorkDirectory"] = Path.Combine(root.FullName, "work") };
        await using (var system = await JobSystem.StartAsync(stores, webhooks: false, settings: settings))
        {
            var (job, _) = await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "local" }, playbook = "site.yml" }));

            Assert.Equal(JobOutcome.SourceFetchFailed, job.Outcome);
            Assert.Contains("the directory in which this worker works", job.Failure!.Message);
        }
        root.Delete(recursive: true);
    }

    [Fact]
    public async Task Local_sources_are_off_unless_the_operator_allows_a_root()
    {
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:LocalSourceRoot"] = "" });

        var (job, _) = await system.WaitAsync(await system.SubmitAsync(new { source = new { type = "local" }, playbook = "hello.yml" }));

        Assert.Equal(JobOutcome.SourceFetchFailed, job.Outcome);
        Assert.Contains("LocalSourceRoot", job.Failure!.Message);
    }

    [Fact]
    public async Task A_playbook_sees_nothing_of_the_services_environment_but_its_trace()
    {
        var system = await stores.SharedAsync();

        var (job, log) = await system.RunAsync("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - command: env\n      register: out\n    - debug: {var: out.stdout_lines}\n");

        Assert.Contains($"TRACEPARENT=00-{job.TraceId}-", log);
        Assert.DoesNotContain("ConnectionStrings", log);
        Assert.DoesNotContain("MasterKey", log);
        Assert.DoesNotContain("DOTNET", log);
    }

    [Fact]
    public async Task The_log_is_plain_text_that_no_browser_interprets()
    {
        var system = await stores.SharedAsync();
        var (job, _) = await system.RunAsync("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: hi}\n");

        using var response = await system.Client.GetAsync($"/api/v1/jobs/{job.Id}/logs");

        Assert.Equal("text/plain; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
    }

    [Fact]
    public async Task Credentials_reach_the_playbook_and_stay_out_of_log_events_and_failure()
    {
        var system = await stores.SharedAsync();
        const string token = "s3cr3t-t0ken-of-the-test";
        await system.Client.PostAsJsonAsync("/api/v1/credentials", new { name = "api-token", type = "variables", values = new { api_token = token } });

        var (job, log) = await system.WaitAsync(await system.SubmitAsync(new
        {
            source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ api_token }} {{ api_token | b64encode }} {{ api_token | length }}\"}\n    - fail: {msg: \"no {{ api_token }}\"}\n" },
            credentials = new[] { "api-token" },
        }));

        Assert.Equal(JobOutcome.TasksFailed, job.Outcome);
        Assert.Contains($"{token.Length}", log);
        foreach (var text in new[] { log, JsonSerializer.Serialize(job, JobsJson.Default.Job), (await system.EventsAsync(job.Id)).GetRawText() })
        {
            Assert.DoesNotContain(token, text);
            Assert.DoesNotContain(Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(token)), text);
        }
    }

    [Fact]
    public async Task Secret_variables_reach_the_playbook_as_they_are_win_over_credentials_and_are_shown_to_nobody()
    {
        var system = await stores.SharedAsync();
        const string secret = "s3cret {{ 1 + 1 }} of-the-test";
        await system.Client.PostAsJsonAsync("/api/v1/credentials", new { name = "overridden", type = "variables", values = new { pin = "from-the-credential" } });

        using var accepted = await system.PostJobAsync(new
        {
            source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ pin | length }} {{ pin | hash('sha256') }} {{ pin }}\"}\n" },
            credentials = new[] { "overridden" },
            secret_vars = new { pin = secret },
        });
        var answer = await accepted.Content.ReadAsStringAsync();
        var (job, log) = await system.WaitAsync(JsonSerializer.Deserialize(answer, JobsJson.Default.Job)!.Id);

        Assert.Equal(JobOutcome.Success, job.Outcome);
        Assert.Contains($"{secret.Length} {Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(secret)))} ***", log);
        Assert.Equal("***", job.Request.SecretVars!["pin"]);
        foreach (var text in new[] { answer, log, JsonSerializer.Serialize(job, JobsJson.Default.Job), (await system.EventsAsync(job.Id)).GetRawText() })
            Assert.DoesNotContain(secret, text);
    }

    [Fact]
    public async Task A_worker_that_is_told_to_end_is_seen_draining_before_its_next_heartbeat()
    {
        using var gate = new Gate();
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Worker:DrainTimeout"] = "00:05:00" }, workerClock: new WithoutTimers());
        var running = await system.SubmitAsync(new { source = gate.Source });
        await Poll.UntilAsync(async () => (await system.GetAsync(running)).Status == JobStatus.Running);

        system.WorkerServices!.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        await Poll.UntilAsync(async () => (await system.Client.GetFromJsonAsync<JsonElement>("/api/v1/workers")).GetProperty("items").EnumerateArray().Any(worker => worker.GetProperty("draining").GetBoolean()));
        var waiting = await system.GetAsync(await system.SubmitAsync(new { source = JobSystem.ShortSource }));
        gate.Open();
        var (ended, _) = await system.WaitAsync(running);

        Assert.Equal(WaitingReason.Draining, waiting.Waiting?.Reason);
        Assert.Equal(JobOutcome.Success, ended.Outcome);
    }

    [Fact]
    public async Task The_health_of_a_worker_names_the_store_that_does_not_answer_and_not_where_it_is()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        using var worker = await ServiceProcess.StartAsync("Worker", new Dictionary<string, string>(system.Settings) { ["ConnectionStrings:redis"] = "127.0.0.1:9,abortConnect=false" });
        using var client = new HttpClient { BaseAddress = worker.Address };

        using var response = await client.GetAsync("/health", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Matches("^Unhealthy\nStackExchange.Redis[^:\n]*$", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>A clock whose timers never fire: no heartbeat comes but the one that something asks for.</summary>
    sealed class WithoutTimers : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Timer();

        sealed class Timer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => default;
        }
    }

    [DllImport("libc", EntryPoint = "mkfifo")]
    static extern int MakeFifo([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint mode);
}
