using System.Net.Http.Json;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Npgsql;

namespace AspireJobs.Tests.Telemetry;

/// <summary>What the services measure beyond the specification.</summary>
[Collection(Watched.Name)]
public sealed class MoreMetricsTests(WatchedSystem system)
{
    const string Playbook = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: hi}\n";

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_wait_in_the_queue_and_every_stage_are_measured()
    {
        await using var receiver = await CallbackReceiver.StartAsync();
        var before = await system.MetricsAsync(system.Worker.Address);
        await system.RunAsync(new { source = new { type = "inline", content = Playbook }, callback_url = receiver.Url });
        await receiver.NextAsync();

        var worker = await system.MetricsAsync(system.Worker.Address, page => page.Value(Stage("upload_logs")) > before.Value(Stage("upload_logs")));
        foreach (var series in new[] { Stage("fetch_source"), Stage("resolve_credentials"), Stage("run_playbook"), "ansible_api_job_queue_wait_seconds_count{source_type=\"inline\"}" })
            Assert.True(worker.Value(series) > before.Value(series), series);
        Assert.Equal(before.Value("ansible_api_job_retries_total"), worker.Value("ansible_api_job_retries_total"));
        await UntilAsync(system.Webhooks, page => page.Value(Stage("send_webhook")) > 0 && page.Value("ansible_api_webhook_outcomes_total{outcome=\"delivered\"}") > 0);

        static string Stage(string name) => $"ansible_api_job_stage_duration_seconds_count{{stage=\"{name}\"}}";
    }

    [Fact]
    public async Task A_worker_that_is_told_to_end_answers_to_prometheus_until_its_last_job_has_ended()
    {
        using var gate = new Gate();
        using var worker = await ServiceProcess.StartAsync("Worker", new Dictionary<string, string>(system.SettingsOf("Worker")) { ["Worker:DrainTimeout"] = "00:05:00" });
        // One more than the other worker can run.
        for (var i = 0; i < 3; i++)
            await system.SubmitAsync(new { source = gate.Source });
        var started = await worker.LineAsync(line => line.Contains("\"event\":\"job_started\"", StringComparison.Ordinal));

        var ended = worker.StopAsync();
        await worker.LineAsync(line => line.Contains("\"event\":\"worker_draining\"", StringComparison.Ordinal));

        Assert.Contains("ansible_api_jobs_completed_total{status=\"success\"}", (await system.MetricsAsync(worker.Address)).Series);
        Assert.Contains(worker.Address.Authority, await TargetsAsync());
        gate.Open();
        Assert.Equal(0, await ended);
        Assert.Equal("success", (await worker.EventAsync("job_completed", started.GetProperty("job_id").GetString()!)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_failure_is_counted_by_its_kind_and_all_kinds_are_there_from_the_start()
    {
        const string series = "ansible_api_job_failures_total{error_type=\"tasks_failed\"}";
        var before = await system.MetricsAsync(system.Worker.Address);

        await system.RunAsync(new { source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - fail: {}\n" } });

        await UntilAsync(system.Worker, page => page.Value(series) == before.Value(series) + 1);
        Assert.Equal(Enum.GetValues<JobOutcome>().Where(outcome => outcome.Status() == JobStatus.Failed).Select(outcome => outcome.Word()).Order(),
            before.Values("ansible_api_job_failures_total", "error_type").Order());
    }

    [Fact]
    public async Task The_api_knows_the_slots_and_the_age_of_what_runs()
    {
        var before = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        using var accepted = await system.Client.PostAsJsonAsync("/api/v1/jobs", new { source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - command: sleep 300\n" } }, Stop);
        var id = (await accepted.Content.ReadFromJsonAsync(JobsJson.Default.Job, Stop))!.Id;

        await UntilAsync(system.Api, page => page.Series.Contains("ansible_api_oldest_running_job_start_timestamp_seconds")
            && page.Value("ansible_api_oldest_running_job_start_timestamp_seconds") >= before && page.Value("ansible_api_worker_slots") == 2);
        await system.Client.PostAsync($"/api/v1/jobs/{id}/cancel", null, Stop);
        await system.WaitAsync(id);
        await UntilAsync(system.Api, page => !page.Series.Contains("ansible_api_oldest_running_job_start_timestamp_seconds"));
    }

    [Fact]
    public async Task When_the_store_is_gone_the_gauges_vanish_and_what_fails_is_counted()
    {
        var stores = await system.LeaseStoresAsync();
        var settings = system.SettingsOf("Api");
        settings["ConnectionStrings:jobsdb"] = stores.Postgres;
        using var api = await ServiceProcess.StartAsync("Api", settings);
        await UntilAsync(api, page => page.Series.Contains("ansible_api_queue_length{queue_name=\"default\"}"));

        await stores.DisposeAsync();
        using var refused = await system.Client.GetAsync(new Uri(api.Address, "/api/v1/jobs"), Stop);

        // One after the other: the error is counted where the store is read, and the gauges go when that is over.
        await UntilAsync(api, page => page.Value("ansible_api_store_read_errors_total") > 0);
        await UntilAsync(api, page => !page.Series.Any(series =>
            series.StartsWith("ansible_api_queue_length", StringComparison.Ordinal) || series.StartsWith("ansible_api_active", StringComparison.Ordinal)));
        await UntilAsync(api, page => page.Values("ansible_api_request_duration_seconds_count", "status_code").Contains($"{(int)refused.StatusCode}"));
        Assert.InRange((int)refused.StatusCode, 500, 503);
        // Upon an error Prometheus keeps the targets that it knows.
        using var targets = await system.Client.GetAsync(new Uri(api.Address, "/metrics/targets"), Stop);
        Assert.False(targets.IsSuccessStatusCode);
    }

    [Theory]
    [InlineData("Api")]
    [InlineData("Worker")]
    [InlineData("Webhooks")]
    public async Task A_service_outlives_a_store_whose_name_nobody_knows(string program)
    {
        var settings = system.SettingsOf(program);
        settings["ConnectionStrings:jobsdb"] = "Host=nobody.invalid;Username=test;Database=test";
        using var service = await ServiceProcess.StartAsync(program, settings);

        await service.LineAsync(line => line.Contains("\"event\":\"heartbeat_failed\"", StringComparison.Ordinal));

        Assert.Equal("Healthy", await system.Client.GetStringAsync(new Uri(service.Address, "/alive"), Stop));
        Assert.Equal(0, await service.StopAsync());
        Assert.DoesNotContain(service.Lines, line => line.Contains("BackgroundService failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_worker_says_when_it_last_renewed_its_leases()
    {
        var age = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - (await system.MetricsAsync(system.Worker.Address)).Value("ansible_api_worker_last_heartbeat_timestamp_seconds");

        Assert.InRange(age, -1, 30);
        Assert.DoesNotContain("ansible_api_worker_last_heartbeat_timestamp_seconds", (await system.MetricsAsync(system.Api.Address)).Series);
    }

    [Fact]
    public async Task Every_service_says_what_was_built_and_counts_its_log_lines_and_its_exports()
    {
        await system.RunAsync(new { source = new { type = "inline", content = Playbook } });
        foreach (var service in system.Services)
        {
            var page = await system.MetricsAsync(service.Address);
            Assert.Equal(["revision", "version"], page.Labels("ansible_api_build_info"));
            Assert.Equal(["critical", "error", "info", "warn"], page.Values("ansible_api_log_lines_total", "level").Order());
            Assert.True(page.Value("ansible_api_log_lines_total{level=\"info\"}") > 0);
            Assert.Equal(0, page.Value("ansible_api_dropped_log_lines_total"));
        }
        Assert.Contains((await system.MetricsAsync(system.Worker.Address)).Series, series => series.StartsWith("otel_sdk_processor_span_processed_total", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Prometheus_finds_every_live_process()
    {
        using var anonymous = new HttpClient { BaseAddress = system.Api.Address };
        var found = new Dictionary<string, string[]>();
        while (found.Count < 3)
        {
            var groups = await anonymous.GetFromJsonAsync<JsonElement>("/metrics/targets", Stop);
            found = groups.EnumerateArray().ToDictionary(
                group => group.GetProperty("labels").GetProperty("job").GetString()!,
                group => group.GetProperty("targets").EnumerateArray().Select(target => target.GetString()!).ToArray());
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Stop);
        }

        Assert.Contains(system.Api.Address.Authority, found["api"]);
        Assert.Contains(system.Worker.Address.Authority, found["worker"]);
        Assert.Contains(system.Webhooks.Address.Authority, found["webhooks"]);
    }

    [Fact]
    public async Task A_process_that_stops_is_a_target_no_more()
    {
        using var service = await ServiceProcess.StartAsync("Webhooks", system.SettingsOf("Webhooks"));
        while (!(await TargetsAsync()).Contains(service.Address.Authority, StringComparison.Ordinal))
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Stop);

        await service.StopAsync();

        Assert.DoesNotContain(service.Address.Authority, await TargetsAsync());
    }

    [Fact]
    public async Task A_process_that_speaks_tls_is_a_target_with_that_scheme()
    {
        var settings = system.SettingsOf("Webhooks");
        settings["Metrics__Address"] = "https://webhooks.example:8443";
        using var service = await ServiceProcess.StartAsync("Webhooks", settings);

        var targets = "";
        await Poll.UntilAsync(async () => (targets = await TargetsAsync()).Contains("webhooks.example", StringComparison.Ordinal));
        await service.StopAsync();

        Assert.Contains(JsonDocument.Parse(targets).RootElement.EnumerateArray(), group =>
            group.GetProperty("labels").GetProperty("__scheme__").GetString() == "https" && group.GetProperty("targets")[0].GetString() == "webhooks.example:8443");
    }

    [Fact]
    public async Task A_process_that_dies_stays_a_target_until_the_alert_has_seen_it()
    {
        using var service = await ServiceProcess.StartAsync("Webhooks", system.SettingsOf("Webhooks"));
        while (!(await TargetsAsync()).Contains(service.Address.Authority, StringComparison.Ordinal))
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Stop);
        service.Kill();

        await SilentForAsync("10 minutes");
        Assert.Contains(service.Address.Authority, await TargetsAsync());

        await SilentForAsync("16 minutes");
        Assert.DoesNotContain(service.Address.Authority, await TargetsAsync());

        async Task SilentForAsync(string time)
        {
            await using var db = NpgsqlDataSource.Create(system.Postgres);
            await using var command = db.CreateCommand($"update instances set heartbeat_at = now() - interval '{time}' where address = '{service.Address.Authority}'");
            Assert.Equal(1, await command.ExecuteNonQueryAsync(Stop));
        }
    }

    [Fact]
    public async Task Where_callbacks_go_adds_no_series()
    {
        await using var receiver = await CallbackReceiver.StartAsync();
        await system.RunAsync(new { source = new { type = "inline", content = "- hosts: localhost\n" }, callback_url = receiver.Url });
        await receiver.NextAsync();

        var page = await UntilAsync(system.Webhooks, page => page.Series.Any(series => series.StartsWith("http_client_request_duration_seconds_count", StringComparison.Ordinal)));

        Assert.DoesNotContain(page.Series, series => series.StartsWith("http_client", StringComparison.Ordinal) && series.Contains("server_", StringComparison.Ordinal));
        Assert.DoesNotContain(page.Series, series => series.Contains("dns_question_name", StringComparison.Ordinal));
    }

    Task<string> TargetsAsync() => system.Client.GetStringAsync("/metrics/targets", Stop);

    Task<MetricsPage> UntilAsync(ServiceProcess service, Func<MetricsPage, bool> fits) => system.MetricsAsync(service.Address, fits);
}
