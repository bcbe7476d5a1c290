using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireJobs.Tests.EndToEnd;

/// <summary>The whole system, started from the AppHost's own code.</summary>
public sealed class AppHostTests
{
    const string Key = "aj_admin-key-of-the-end-to-end-test";

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_job_goes_from_the_submission_to_a_signed_callback_in_one_trace()
    {
        await using var app = await StartAsync();
        using var client = Client(app);
        await using var receiver = await CallbackReceiver.StartAsync();
        var secret = (await client.GetFromJsonAsync<JsonElement>("/api/v1/webhook-secret", Stop)).GetProperty("secret").GetString()!;

        using var accepted = await client.PostAsJsonAsync("/api/v1/jobs", new { source = new { type = "local" }, playbook = "hello.yml", callback_url = receiver.Url }, Stop);
        var submitted = (await accepted.Content.ReadFromJsonAsync(JobsJson.Default.Job, Stop))!;
        var log = await client.GetStringAsync($"/api/v1/jobs/{submitted.Id}/logs?follow=true", Stop);
        var callback = await receiver.NextAsync();
        var job = (await client.GetFromJsonAsync($"/api/v1/jobs/{submitted.Id}", JobsJson.Default.Job, Stop))!;

        Assert.Equal(JobOutcome.Success, job.Outcome);
        Assert.Contains("PLAY RECAP", log);
        Assert.Equal(["standardwebhooks", "svix"], await StandardWebhooks.VerifiersAsync(secret, callback));
        Assert.Contains(job.TraceId!, callback.Headers["traceparent"]);
        foreach (var (resource, @event) in new[] { ("api", "job_submitted"), ("worker", "job_started"), ("worker", "job_completed"), ("webhooks", "webhook_sent") })
            Assert.Equal(job.TraceId, (await LogLineAsync(app, resource, @event, submitted.Id)).GetProperty("trace_id").GetString());
    }

    [Fact]
    public async Task Every_service_answers_health_and_metrics()
    {
        await using var app = await StartAsync();

        foreach (var resource in new[] { "api", "worker", "webhooks" })
        {
            using var client = app.CreateHttpClient(resource);
            Assert.Equal("Healthy", await client.GetStringAsync("/health", Stop));
            Assert.Equal("Healthy", await client.GetStringAsync("/alive", Stop));
            var metrics = await client.GetStringAsync("/metrics", Stop);
            Assert.Contains("ansible_api_jobs_completed_total{status=\"failed\"} 0", metrics);
        }
    }

    [Fact]
    public async Task The_gauges_count_both_workers()
    {
        await using var app = await StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("worker", Stop);
        using var client = Client(app);

        var metrics = "";
        while (!metrics.Contains("ansible_api_active_workers 2", StringComparison.Ordinal))
        {
            metrics = await client.GetStringAsync("/metrics", Stop);
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, Stop);
        }
        Assert.Contains("ansible_api_queue_length{queue_name=\"default\"} 0", metrics);
        Assert.Contains("ansible_api_active_jobs 0", metrics);
    }

    static async Task<DistributedApplication> StartAsync()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>([$"--Parameters:admin-api-key={Key}"], Stop);
        builder.Services.AddLogging(logging => logging.ClearProviders());
        var app = await builder.BuildAsync(Stop);
        await app.StartAsync(Stop);
        foreach (var resource in new[] { "api", "worker", "webhooks" })
            await app.ResourceNotifications.WaitForResourceHealthyAsync(resource, Stop);
        return app;
    }

    static HttpClient Client(DistributedApplication app)
    {
        var client = app.CreateHttpClient("api");
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        return client;
    }

    /// <summary>The line that a resource, whichever replica, logs of an event of a job.</summary>
    static async Task<JsonElement> LogLineAsync(DistributedApplication app, string resource, string @event, JobId id)
    {
        var model = app.Services.GetRequiredService<DistributedApplicationModel>();
        var logs = app.Services.GetRequiredService<ResourceLoggerService>();
        await foreach (var lines in logs.WatchAsync(model.Resources.Single(candidate => candidate.Name == resource)).WithCancellation(Stop))
            foreach (var line in lines)
                if (line.Content.IndexOf('{') is >= 0 and var start && line.Content.Contains($"\"event\":\"{@event}\"", StringComparison.Ordinal) && line.Content.Contains(id.ToString(), StringComparison.Ordinal))
                    return JsonSerializer.Deserialize<JsonElement>(line.Content[start..]);
        throw new InvalidOperationException($"{resource} ended without logging {@event}");
    }
}
