using System.Net.Http.Headers;
using System.Net.Http.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using AspireJobs.Tests.Telemetry;

namespace AspireJobs.Tests.Dashboards;

/// <summary>A real Prometheus scrapes two APIs and two workers.</summary>
[Collection(Watched.Name)]
public sealed class ReplicasTests(WatchedSystem system)
{
    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_counts_twice_and_dead_workers_raise_the_alarm()
    {
        await using var stores = await system.LeaseStoresAsync();
        using var api = await StartAsync("Api", stores);
        using var secondApi = await StartAsync("Api", stores);
        using var worker = await StartAsync("Worker", stores);
        using var secondWorker = await StartAsync("Worker", stores);
        using var prometheus = await PrometheusServer.StartAsync(api.Address, targets: 4, patience: "1s");
        using var client = new HttpClient { BaseAddress = api.Address, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", Stores.AdminKey) } };

        foreach (var task in new[] { "debug: {}", "debug: {}", "fail: {}" })
            await client.GetStringAsync($"/api/v1/jobs/{await SubmitAsync(client, task)}/logs?follow=true", Stop);
        await prometheus.UntilAsync(Panel("Success rate"), share => Math.Abs(share - 2.0 / 3) < 0.05);
        await prometheus.UntilAsync(Panel("Active workers"), workers => workers == 2);

        worker.Kill();
        secondWorker.Kill();
        for (var i = 0; i < 3; i++)
            await SubmitAsync(client, "debug: {}");

        await prometheus.UntilAsync("count(ansible_api_queue_length == 3)", replicas => replicas == 2);
        await prometheus.UntilAsync(Panel("Queue depth"), jobs => jobs == 3);
        await prometheus.UntilAsync("ALERTS{alertname=\"AnsibleApiWorkersLow\",alertstate=\"firing\"}", firing => firing == 1);
    }

    static string Panel(string title) => Dashboard.Filled(Dashboard.Load("overview").Queries("prometheus").First(query => query.Panel == title).Expression, "1m");

    static async Task<JobId> SubmitAsync(HttpClient client, string task)
    {
        using var accepted = await client.PostAsJsonAsync("/api/v1/jobs", new { source = new { type = "inline", content = $"- hosts: localhost\n  gather_facts: false\n  tasks: [{{{task}}}]\n" } }, Stop);
        return (await accepted.Content.ReadFromJsonAsync(JobsJson.Default.Job, Stop))!.Id;
    }

    Task<ServiceProcess> StartAsync(string program, StoreLease stores)
    {
        var settings = system.SettingsOf(program);
        (settings["ConnectionStrings:jobsdb"], settings["ConnectionStrings:redis"]) = (stores.Postgres, stores.Redis);
        return ServiceProcess.StartAsync(program, settings);
    }
}
