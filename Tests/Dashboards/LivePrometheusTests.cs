using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using AspireJobs.Tests.Telemetry;

namespace AspireJobs.Tests.Dashboards;

/// <summary>A real Prometheus scrapes the running services, found by service discovery.</summary>
[Collection(Watched.Name)]
public sealed class LivePrometheusTests(WatchedSystem system)
{
    [Fact]
    public async Task Every_panel_has_data_and_every_rule_is_healthy_after_a_job_of_each_outcome()
    {
        await using var receiver = await CallbackReceiver.StartAsync();
        using var prometheus = await PrometheusServer.StartAsync(system.Api.Address, targets: 3);
        // A histogram is there with its first value, and a rate needs a second one.
        await RunEachOutcomeAsync(receiver.Url);
        await prometheus.QueryAsync("sum(ansible_api_job_duration_seconds_count) >= 3 and sum(ansible_api_job_stage_duration_seconds_count{stage=\"send_webhook\"})", "the first round");
        await RunEachOutcomeAsync(receiver.Url);

        foreach (var name in Dashboard.Names)
            foreach (var (panel, expression) in Dashboard.Load(name).Queries("prometheus"))
                await prometheus.QueryAsync(Dashboard.Filled(expression, "1m"), $"{name}, {panel}");

        var rules = (await prometheus.GetAsync("/api/v1/rules")).GetProperty("groups").EnumerateArray().SelectMany(group => group.GetProperty("rules").EnumerateArray());
        Assert.All(rules, rule => Assert.Equal("ok", rule.GetProperty("health").GetString()));
        var exemplars = await prometheus.GetAsync("/api/v1/query_exemplars?query=ansible_api_job_duration_seconds_bucket&start=0&end=9999999999");
        Assert.Matches("\"trace_id\":\"[0-9a-f]{32}\"", exemplars.GetRawText());
    }

    async Task RunEachOutcomeAsync(string callbackUrl)
    {
        var succeeded = await system.RunAsync(new { source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks: [{debug: {}}]\n" }, callback_url = callbackUrl });
        var failed = await system.RunAsync(new { source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks: [{fail: {}}]\n" } });
        var cancelled = await system.SubmitAsync(new { source = new { type = "inline", content = "- hosts: localhost\n  gather_facts: false\n  tasks: [{command: sleep 300}]\n" } });
        await system.Worker.EventAsync("job_started", cancelled.ToString());
        using (await system.Client.PostAsync($"/api/v1/jobs/{cancelled}/cancel", null, TestContext.Current.CancellationToken))
        {
        }

        Assert.Equal([JobStatus.Success, JobStatus.Failed, JobStatus.Cancelled], [succeeded.Status, failed.Status, (await system.WaitAsync(cancelled)).Status]);
    }
}
