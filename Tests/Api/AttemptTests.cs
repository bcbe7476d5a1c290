using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AspireJobs.Tests.Api;

/// <summary>Log and events of one attempt of several.</summary>
public sealed class AttemptTests(Stores stores)
{
    const string Failing = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - fail: {msg: no}\n";

    [Fact]
    public async Task Each_attempt_has_its_own_log_and_events_which_together_are_those_of_the_job()
    {
        var system = await stores.SharedAsync();
        var (job, log) = await system.WaitAsync(await system.SubmitAsync(new
        {
            source = new { type = "inline", content = Failing },
            max_attempts = 2,
            retry_on = new[] { "tasks_failed" },
            retry_backoff_seconds = 1,
        }));

        var logs = await Task.WhenAll(Enumerable.Range(1, 3).Select(attempt => system.Client.GetStringAsync($"/api/v1/jobs/{job.Id}/logs?attempt={attempt}")));
        var events = await Task.WhenAll(Enumerable.Range(1, 3).Select(EventsAsync));

        Assert.Equal(2, job.Attempt);
        Assert.Equal(log, logs[0] + logs[1]);
        Assert.All(logs[..2], text => Assert.Single(text.Split('\n'), line => line.StartsWith("PLAY RECAP", StringComparison.Ordinal)));
        Assert.Equal("", logs[2]);
        Assert.Equal(Enumerable.Range(1, events[0].Count + events[1].Count), events.SelectMany(items => items).Select(item => item.GetProperty("seq").GetInt32()));
        Assert.All(events[..2], items => Assert.Equal("playbook_on_stats", items[^1].GetProperty("type").GetString()));
        Assert.All(events[1], item => Assert.Equal(2, item.GetProperty("attempt").GetInt32()));
        Assert.Empty(events[2]);

        async Task<List<JsonElement>> EventsAsync(int attempt) =>
            [.. (await system.Client.GetFromJsonAsync<JsonElement>($"/api/v1/jobs/{job.Id}/events?attempt={attempt}&limit=1000")).GetProperty("items").EnumerateArray()];
    }

    [Fact]
    public async Task Following_an_attempt_ends_with_it_though_the_job_goes_on()
    {
        var system = await stores.SharedAsync();
        var id = await system.SubmitAsync(new
        {
            source = new { type = "inline", content = Failing },
            max_attempts = 2,
            retry_on = new[] { "tasks_failed" },
            retry_backoff_seconds = 3600,
        });

        var log = await system.Client.GetStringAsync($"/api/v1/jobs/{id}/logs?follow=true&attempt=1", TestContext.Current.CancellationToken);

        Assert.Contains("PLAY RECAP", log);
        var job = await system.GetAsync(id);
        Assert.Equal((JobStatus.Queued, 1), (job.Status, job.Attempt));
        (await system.Client.PostAsync($"/api/v1/jobs/{id}/cancel", null)).Dispose();
    }

    [Fact]
    public async Task A_log_that_is_followed_does_not_end_as_if_it_were_whole_when_the_API_stops()
    {
        using var gate = new Gate();
        await using var system = await JobSystem.StartAsync(stores, webhooks: false);
        var id = await system.SubmitAsync(new { source = gate.Source });
        using var log = new StreamReader(await system.Client.GetStreamAsync($"/api/v1/jobs/{id}/logs?follow=true", TestContext.Current.CancellationToken));
        while (await log.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && !line.Contains("TASK [Hold]", StringComparison.Ordinal))
        {
        }

        system.ApiServices.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        await Assert.ThrowsAnyAsync<IOException>(async () => await log.ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("logs", "0")]
    [InlineData("logs", "last")]
    [InlineData("events", "-1")]
    [InlineData("events", "")]
    public async Task What_is_no_number_of_an_attempt_is_refused(string what, string attempt)
    {
        var system = await stores.SharedAsync();
        var (job, _) = await system.RunAsync("- hosts: localhost\n  gather_facts: false\n  tasks: []\n");

        using var response = await system.Client.GetAsync($"/api/v1/jobs/{job.Id}/{what}?attempt={attempt}");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.True((await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").TryGetProperty("attempt", out _));
    }
}
