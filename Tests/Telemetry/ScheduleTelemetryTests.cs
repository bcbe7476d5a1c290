using System.Net.Http.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Npgsql;

namespace AspireJobs.Tests.Telemetry;

/// <summary>What is seen of a schedule that fires.</summary>
[Collection(Watched.Name)]
public sealed class ScheduleTelemetryTests(WatchedSystem system)
{
    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_fire_is_logged_counted_and_the_beginning_of_a_trace()
    {
        const string submitted = "ansible_api_schedule_fires_total{result=\"submitted\"}";
        var before = await system.MetricsAsync(system.Worker.Address);
        using var made = await system.Client.PutAsJsonAsync("/api/v1/schedules/watched", new { cron = "@yearly", request = new { source = JobSystem.ShortSource } }, Stop);
        Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync(Stop));

        await MakeDueAsync("now()");
        var line = await LineAsync("job_submitted");

        Assert.Equal(("inline", "admin"), (line.GetProperty("source_type").GetString(), line.GetProperty("api_key_name").GetString()));
        Assert.True(JobId.TryParse(line.GetProperty("job_id").GetString(), out var id));
        var job = await system.WaitAsync(id);
        Assert.Equal(job.TraceId, line.GetProperty("trace_id").GetString());
        var trace = await system.Collector.TraceAsync(job.TraceId!, "worker.fire_schedule", "redis.enqueue", "worker.execute");
        var fire = trace.Single(span => span.Name == "worker.fire_schedule");
        Assert.Equal(("", "watched", $"{id}"), (fire.ParentId, fire.Tags["schedule.name"], fire.Tags["job.id"]));
        var enqueue = trace.Single(span => span.Name == "redis.enqueue");
        Assert.Equal((fire.SpanId, enqueue.SpanId), (enqueue.ParentId, trace.Single(span => span.Name == "worker.execute").ParentId));
        await system.MetricsAsync(system.Worker.Address, page => page.Value(submitted) == before.Value(submitted) + 1);

        await MakeDueAsync("now() - interval '2 hours'");
        Assert.Equal(1, (await LineAsync("schedule_missed")).GetProperty("missed").GetInt32());
        await system.MetricsAsync(system.Api.Address, page => page.Series.Contains("ansible_api_last_missed_fire_timestamp_seconds"));
        await system.Client.DeleteAsync("/api/v1/schedules/watched", Stop);
    }

    Task<System.Text.Json.JsonElement> LineAsync(string name) => system.Worker.LineAsync(line =>
        line.Contains($"\"event\":\"{name}\"", StringComparison.Ordinal) && line.Contains("\"schedule\":\"watched\"", StringComparison.Ordinal));

    async Task MakeDueAsync(string at)
    {
        await using var db = NpgsqlDataSource.Create(system.Postgres);
        await using var command = db.CreateCommand($"update schedules set next_at = {at} where name = 'watched'");
        await command.ExecuteNonQueryAsync(Stop);
    }
}
