using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Api;

/// <summary>Queues as callers see them and the operator sets them.</summary>
public sealed class QueuesTests(ApiAlone api) : IClassFixture<ApiAlone>
{
    HttpClient Client => api.System.Client;

    [Fact]
    public async Task A_queue_is_made_changed_and_deleted()
    {
        using var made = await Client.PutAsJsonAsync("/api/v1/queues/nightly", new { max_running = 2 });
        using var changed = await Client.PutAsJsonAsync("/api/v1/queues/nightly", new { paused = true });

        Assert.Equal((HttpStatusCode.Created, "/api/v1/queues/nightly"), (made.StatusCode, made.Headers.Location?.ToString()));
        Assert.Equal(2, (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("max_running").GetInt32());
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        var queue = await Client.GetFromJsonAsync<JsonElement>("/api/v1/queues/nightly");
        Assert.Equal("""{"name":"nightly","paused":true,"waiting":0,"running":0}""", queue.GetRawText());
        Assert.Equal(HttpStatusCode.NoContent, (await Client.DeleteAsync("/api/v1/queues/nightly")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Client.DeleteAsync("/api/v1/queues/nightly")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync("/api/v1/queues/nightly")).StatusCode);
    }

    [Fact]
    public async Task The_list_counts_what_waits_and_says_since_when()
    {
        await Client.PutAsJsonAsync("/api/v1/queues/counted", new { });
        var oldest = await api.System.GetAsync(await api.System.SubmitAsync(new { source = JobSystem.ShortSource, queue = "counted" }));
        await api.System.SubmitAsync(new { source = JobSystem.ShortSource, queue = "counted", not_before = "2999-01-01T00:00:00Z" });

        var queues = (await Client.GetFromJsonAsync<JsonElement>("/api/v1/queues")).GetProperty("items").EnumerateArray().ToList();

        var counted = queues.Single(queue => queue.GetProperty("name").GetString() == "counted");
        Assert.Equal((2, 0), (counted.GetProperty("waiting").GetInt32(), counted.GetProperty("running").GetInt32()));
        Assert.Equal(oldest.CreatedAt, counted.GetProperty("oldest_waiting_at").GetDateTimeOffset());
        Assert.Contains(queues, queue => queue.GetProperty("name").GetString() == QueueStore.Default);
    }

    [Fact]
    public async Task A_queue_in_use_and_the_default_one_cannot_be_deleted()
    {
        await Client.PutAsJsonAsync("/api/v1/queues/busy", new { });
        await Client.PutAsJsonAsync("/api/v1/queues/scheduled", new { });
        var job = await api.System.SubmitAsync(new { source = JobSystem.ShortSource, queue = "busy" });
        await Client.PutAsJsonAsync("/api/v1/schedules/of-the-queue", new { cron = "@daily", request = new { source = JobSystem.ShortSource, queue = "scheduled" } });

        Assert.Equal("urn:aspirejobs:problem:queue-in-use", await DeletionAsync("busy"));
        Assert.Equal("urn:aspirejobs:problem:queue-in-use", await DeletionAsync("scheduled"));
        Assert.Equal("urn:aspirejobs:problem:queue-is-needed", await DeletionAsync("default"));

        await Client.PostAsync($"/api/v1/jobs/{job}/cancel", null);
        Assert.Equal(HttpStatusCode.NoContent, (await Client.DeleteAsync("/api/v1/queues/busy")).StatusCode);

        async Task<string?> DeletionAsync(string name)
        {
            using var response = await Client.DeleteAsync($"/api/v1/queues/{name}");
            Assert.Equal(HttpStatusCode.Conflict, response.StatusCode);
            return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("type").GetString();
        }
    }

    [Fact]
    public async Task A_job_whose_queue_has_gone_says_so()
    {
        await Client.PutAsJsonAsync("/api/v1/queues/fleeting", new { });
        var job = await api.System.SubmitAsync(new { source = JobSystem.ShortSource, queue = "fleeting" });
        await api.System.ExecuteAsync("delete from queues where name = 'fleeting'");

        Assert.Equal("There is no queue 'fleeting' any more.", (await api.System.GetAsync(job)).Waiting!.Detail);
    }

    [Theory]
    [InlineData("nightly", """{"max_running": 0}""", "max_running", "must be 1 to 10,000")]
    [InlineData("nightly", """{"max_running": "many"}""", "max_running", "max_running must be a whole number.")]
    [InlineData("nightly", """{"paused": null}""", "paused", "must be true or false, not null")]
    [InlineData("nightly", """{"size": 1}""", "size", "There is no field 'size'. Known: max_running, paused.")]
    [InlineData("-x", """{}""", "name", "begin with a letter or digit")]
    [InlineData("a b", """{}""", "name", "letters, digits, dots, dashes or underscores")]
    public async Task A_faulty_queue_is_refused_by_field(string name, string body, string field, string message)
    {
        using var response = await Client.PutAsync($"/api/v1/queues/{Uri.EscapeDataString(name)}", new StringContent(body, Encoding.UTF8, "application/json"));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(message, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").GetProperty(field)[0].GetString());
    }

    [Fact]
    public async Task Only_the_operators_key_changes_queues_and_workers()
    {
        using var caller = await api.System.MakeCallerAsync("no-operator");

        Assert.Equal(HttpStatusCode.Forbidden, (await caller.PutAsJsonAsync("/api/v1/queues/default", new { paused = true })).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await caller.DeleteAsync("/api/v1/queues/default")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await caller.PostAsync("/api/v1/workers/any/drain", null)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await caller.DeleteAsync("/api/v1/workers/any/drain")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await caller.GetAsync("/api/v1/queues")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await caller.GetAsync("/api/v1/workers")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Client.PostAsync("/api/v1/workers/any/drain", null)).StatusCode);
    }
}
