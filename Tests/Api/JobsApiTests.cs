using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Npgsql;

namespace AspireJobs.Tests.Api;

/// <summary>Jobs as callers see them while no worker takes them.</summary>
public sealed class JobsApiTests(Stores stores)
{
    static readonly object Request = new { source = new { type = "inline", content = "- hosts: all" }, labels = new { team = "web" } };

    [Fact]
    public async Task An_accepted_job_has_a_location_and_is_queued()
    {
        await using var system = await StartAsync();

        using var response = await system.PostJobAsync(Request);

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var job = (await response.Content.ReadFromJsonAsync(JobsJson.Default.Job))!;
        Assert.Equal($"/api/v1/jobs/{job.Id}", response.Headers.Location?.ToString());
        Assert.Equal(JobStatus.Queued, job.Status);
        Assert.Equal("admin", job.ApiKeyName);
        Assert.Equal("web", job.Request.Labels["team"]);
        var read = await system.GetAsync(job.Id);
        Assert.Equal(WaitingReason.NoWorker, read.Waiting?.Reason);
        Assert.Equal(JsonSerializer.Serialize(job, JobsJson.Default.Job), JsonSerializer.Serialize(read with { Waiting = null }, JobsJson.Default.Job));
    }

    [Fact]
    public async Task Requests_are_answered_although_Postgres_has_dropped_every_connection()
    {
        await using var system = await StartAsync();
        for (var i = 0; i < 3; i++)
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => system.Client.GetStringAsync("/api/v1/jobs")));
            await DropConnectionsAsync(system.Postgres);
            using var known = await system.Client.GetAsync("/api/v1/jobs");
            Assert.Equal(HttpStatusCode.OK, known.StatusCode);

            await DropConnectionsAsync(system.Postgres);
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/jobs") { Headers = { Authorization = new("Bearer", "aj_nobody") } };
            using var unknown = await system.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.Unauthorized, unknown.StatusCode);
        }
    }

    static async Task DropConnectionsAsync(string postgres)
    {
        await using var connection = new NpgsqlConnection($"{postgres};Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("select pg_terminate_backend(pid, 60000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()", connection);
        await command.ExecuteNonQueryAsync();
    }

    [Fact]
    public async Task Cancelling_a_queued_job_is_final_at_once_and_only_once()
    {
        await using var system = await StartAsync();
        var id = await system.SubmitAsync(Request);

        using var first = await system.Client.PostAsync($"/api/v1/jobs/{id}/cancel", null);
        using var second = await system.Client.PostAsync($"/api/v1/jobs/{id}/cancel", null);

        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, second.StatusCode);
        var job = await system.GetAsync(id);
        Assert.Equal((JobStatus.Cancelled, JobOutcome.Cancelled), (job.Status, job.Outcome));
    }

    [Fact]
    public async Task Pages_lead_through_all_jobs_newest_first()
    {
        await using var system = await StartAsync();
        var ids = new List<JobId>();
        for (var i = 0; i < 5; i++)
            ids.Add(await system.SubmitAsync(Request));
        ids.Reverse();

        var seen = new List<string>();
        string? before = null;
        do
        {
            var page = await system.Client.GetFromJsonAsync<JsonElement>($"/api/v1/jobs?limit=2&status=queued{(before is null ? "" : $"&before={before}")}");
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(job => job.GetProperty("id").GetString()!));
            before = page.TryGetProperty("next", out var next) ? next.GetString() : null;
        }
        while (before is not null);

        Assert.Equal(ids.Select(id => id.ToString()), seen);
        var failed = await system.Client.GetFromJsonAsync<JsonElement>("/api/v1/jobs?status=failed");
        Assert.Equal(0, failed.GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task HEAD_is_answered_as_GET_would_be_and_follows_no_log()
    {
        await using var system = await StartAsync();
        var job = $"api/v1/jobs/{await system.SubmitAsync(Request)}";

        foreach (var path in new[] { "api/v1/jobs", job, $"{job}/logs", $"{job}/events", "api/v1/jobs/nonsense", "api/v1/jobs?limit=0", "api/v1/api-keys", "metrics/targets" })
        {
            using var get = await system.Client.GetAsync(path);
            using var head = await HeadAsync(path);
            Assert.Equal((get.StatusCode, get.Content.Headers.ContentType), (head.StatusCode, head.Content.Headers.ContentType));
        }
        using var followed = await HeadAsync($"{job}/logs?follow=true");
        Assert.Equal(HttpStatusCode.OK, followed.StatusCode);
        using var cancel = await HeadAsync($"{job}/cancel");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, cancel.StatusCode);

        Task<HttpResponseMessage> HeadAsync(string path) => system.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, path));
    }

    [Theory]
    [InlineData("GET", "/api/v1/jobs/job-00000000-0000-7000-8000-000000000000")]
    [InlineData("GET", "/api/v1/jobs/nonsense")]
    [InlineData("GET", "/api/v1/jobs/nonsense/logs")]
    [InlineData("GET", "/api/v1/jobs/nonsense/events")]
    [InlineData("GET", "/api/v1/jobs/nonsense/deliveries")]
    [InlineData("POST", "/api/v1/jobs/nonsense/cancel")]
    public async Task An_unknown_job_is_not_found(string method, string path)
    {
        var system = await stores.SharedAsync();

        using var response = await system.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("urn:aspirejobs:problem:unknown-job", (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("status=done", "status")]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=many", "limit")]
    [InlineData("before=yesterday", "before")]
    public async Task A_faulty_query_is_refused_by_parameter(string query, string parameter)
    {
        var system = await stores.SharedAsync();

        using var response = await system.Client.GetAsync($"/api/v1/jobs?{query}");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.True((await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").TryGetProperty(parameter, out _));
    }

    Task<JobSystem> StartAsync() => JobSystem.StartAsync(stores, worker: false, webhooks: false);
}
