using System.Net.Http.Json;
using System.Text.Json;
using AspireJobs.Jobs;
using AspireJobs.Jobs.Schedules;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace AspireJobs.Tests.Jobs;

/// <summary>Schedules whose time has come. The tests do the leader's work themselves; the last ones leave it to workers.</summary>
public sealed class ScheduleFireTests(Stores stores) : IAsyncLifetime
{
    JobSystem _system = null!;

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _system = await JobSystem.StartAsync(stores, worker: false);

    public ValueTask DisposeAsync() => _system.DisposeAsync();

    [Fact]
    public async Task Of_many_that_fire_a_schedule_at_the_same_time_one_does_and_the_job_is_the_schedules()
    {
        await PutAsync("yearly", new { cron = "@yearly", request = new { source = JobSystem.ShortSource, labels = new { team = "db" }, priority = 7 } });
        var next = (await GetAsync("yearly")).NextAt[0];
        await MakeDueAsync("yearly", "now()");

        var fires = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => FireAsync("yearly")));

        var fire = Assert.Single(fires, fire => fire is not null)!;
        Assert.Equal((FireResult.Submitted, 0), (fire.Result, fire.Missed));
        var job = await _system.GetAsync(fire.Job!.Id);
        Assert.Equal((JobStatus.Queued, "yearly", "admin", 7, "db"), (job.Status, job.Schedule, job.ApiKeyName, job.Request.Priority, job.Request.Labels["team"]));
        Assert.Equal(WaitingReason.NoWorker, job.Waiting?.Reason);
        Assert.Equal(1, await CountJobsAsync());
        var schedule = await GetAsync("yearly");
        Assert.Equal((FireResult.Submitted, fire.At, job.Id), (schedule.LastResult, schedule.LastAt, schedule.LastJobId));
        Assert.Equal((1, 0, 0, next), (schedule.Submitted, schedule.Skipped, schedule.Missed, schedule.NextAt[0]));
        Assert.Null(await FireAsync("yearly"));
    }

    [Fact]
    public async Task A_time_that_has_fired_does_not_fire_again_although_the_clock_of_the_api_has_not_reached_it()
    {
        await PutAsync("early", new { cron = "* * * * *", paused = true, request = new { source = JobSystem.ShortSource } });
        await _system.ExecuteAsync("update schedules set last_at = date_trunc('minute', now()) + interval '5 minutes' where name = 'early'");

        await _system.Client.PostAsync("/api/v1/schedules/early/resume", null, Stop);
        var resumed = await GetAsync("early");
        await PutAsync("early", new { cron = "*/2 * * * *", request = new { source = JobSystem.ShortSource } });
        var changed = await GetAsync("early");

        Assert.Equal(resumed.LastAt + TimeSpan.FromMinutes(1), resumed.NextAt[0]);
        Assert.InRange(changed.NextAt[0] - changed.LastAt!.Value, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2));
    }

    [Fact]
    public async Task A_fire_is_skipped_while_the_last_job_is_not_final_and_that_is_seen()
    {
        await PutAsync("alone", new { cron = "* * * * *", request = new { source = JobSystem.ShortSource } });
        var first = await FireDueAsync("alone");
        var second = await FireDueAsync("alone");

        Assert.Equal((FireResult.Skipped, first.Job!.Id, null), (second.Result, second.HeldBy, second.Job));
        var schedule = await GetAsync("alone");
        Assert.Equal((1, 1, FireResult.Skipped, first.Job.Id), (schedule.Submitted, schedule.Skipped, schedule.LastResult, schedule.LastJobId));

        await _system.Client.PostAsync($"/api/v1/jobs/{first.Job.Id}/cancel", null, Stop);
        Assert.Equal(FireResult.Submitted, (await FireDueAsync("alone")).Result);
    }

    [Fact]
    public async Task With_overlap_queue_every_fire_submits_a_job()
    {
        await PutAsync("crowd", new { cron = "* * * * *", overlap = "queue", request = new { source = JobSystem.ShortSource } });

        await FireDueAsync("crowd");
        await FireDueAsync("crowd");

        Assert.Equal((2, 2), ((await GetAsync("crowd")).Submitted, await CountJobsAsync()));
    }

    [Fact]
    public async Task Of_the_times_that_nobody_was_there_for_the_latest_is_made_up_and_the_others_are_counted()
    {
        await PutAsync("late", new { cron = "0 * * * *", catch_up_seconds = 7200, request = new { source = JobSystem.ShortSource } });
        await MakeDueAsync("late", "date_trunc('hour', now()) - interval '5 hours'");
        var first = (await GetAsync("late")).NextAt[0];

        var fire = (await FireAsync("late"))!;

        Assert.Equal((FireResult.Submitted, (fire.At - first).TotalHours), (fire.Result, fire.Missed));
        Assert.True(fire.Missed >= 5);
        var schedule = await GetAsync("late");
        Assert.Equal((1, fire.Missed, FireResult.Submitted), (schedule.Submitted, schedule.Missed, schedule.LastResult));
        Assert.Equal(fire.At.AddHours(1), schedule.NextAt[0]);
    }

    [Fact]
    public async Task A_time_beyond_the_window_is_missed_and_seen()
    {
        await PutAsync("too-late", new { cron = "0 0 1 1 *", catch_up_seconds = 60, request = new { source = JobSystem.ShortSource } });
        await MakeDueAsync("too-late", "now() - interval '61 seconds'");

        var fire = (await FireAsync("too-late"))!;

        Assert.Equal((FireResult.Missed, 1, null), (fire.Result, fire.Missed, fire.Job));
        var schedule = await GetAsync("too-late");
        Assert.Equal((0, 1, FireResult.Missed), (schedule.Submitted, schedule.Missed, schedule.LastResult));
        Assert.Equal(0, await CountJobsAsync());
    }

    [Fact]
    public async Task A_paused_schedule_is_not_due_and_neither_is_a_deleted_one()
    {
        await PutAsync("paused", new { cron = "* * * * *", request = new { source = JobSystem.ShortSource } });
        await MakeDueAsync("paused", "now()");
        Assert.Equal(["paused"], await Fires.DueAsync(Stop));

        await _system.Client.PostAsync("/api/v1/schedules/paused/pause", null, Stop);

        Assert.Empty(await Fires.DueAsync(Stop));
        Assert.Null(await FireAsync("paused"));
        await _system.Client.DeleteAsync("/api/v1/schedules/paused", Stop);
        Assert.Null(await FireAsync("paused"));
    }

    [Fact]
    public async Task A_worker_fires_a_schedule_and_its_job_has_the_secrets_and_its_callback()
    {
        _system.AddWorker();
        _system.AddWorker();
        await using var receiver = await CallbackReceiver.StartAsync();
        const string playbook = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - assert: {that: \"token == 'hunter2-of-the-schedule'\"}\n";
        await PutAsync("real", new
        {
            cron = "0 0 1 1 *",
            request = new { source = new { type = "inline", content = playbook }, secret_vars = new { token = "hunter2-of-the-schedule" }, callback_url = receiver.Url },
        });

        await MakeDueAsync("real", "now()");
        var callback = await receiver.NextAsync();

        var schedule = await GetAsync("real");
        var (job, log) = await _system.WaitAsync(schedule.LastJobId!.Value);
        Assert.True(job.Outcome == JobOutcome.Success, log);
        Assert.Equal("real", job.Schedule);
        Assert.Contains(job.Id.ToString(), callback.Body);
        Assert.Equal((1, 1), (schedule.Submitted, await CountJobsAsync()));
    }

    [Fact]
    public async Task A_schedule_that_cannot_be_fired_keeps_no_other_from_it()
    {
        await using var receiver = await CallbackReceiver.StartAsync();
        await PutAsync("broken", new { cron = "* * * * *", request = new { source = JobSystem.ShortSource } });
        await PutAsync("sealed-elsewhere", new { cron = "* * * * *", request = new { source = JobSystem.ShortSource, callback_url = receiver.Url, secret_vars = new { token = "hunter2" } } });
        await _system.ExecuteAsync("update schedules set cron = 'nonsense', next_at = now() - interval '2 minutes' where name = 'broken'");
        await _system.ExecuteAsync("update schedules set sealed = '\\x00' where name = 'sealed-elsewhere'");
        await MakeDueAsync("sealed-elsewhere", "now()");

        _system.AddWorker();
        var callback = JsonSerializer.Deserialize<JsonElement>((await receiver.NextAsync()).Body);

        Assert.Contains("credential_error", callback.GetRawText());
        // For the alert on missed times.
        await Poll.UntilAsync(async () =>
            await _system.ApiServices.GetRequiredService<NpgsqlDataSource>().Command("select count(*) from schedules where name = 'broken' and missed_at is not null and next_at < now()").CountAsync(Stop) == 1);
    }

    ScheduleFires Fires => _system.ApiServices.GetRequiredService<ScheduleFires>();

    Task<Fire?> FireAsync(string name) => Fires.FireAsync(name, Stop);

    async Task<Fire> FireDueAsync(string name)
    {
        await MakeDueAsync(name, "date_trunc('minute', now())");
        return (await FireAsync(name))!;
    }

    Task MakeDueAsync(string name, string at) => _system.ExecuteAsync($"update schedules set next_at = {at} where name = '{name}'");

    async Task PutAsync(string name, object plan)
    {
        using var response = await _system.Client.PutAsJsonAsync($"/api/v1/schedules/{name}", plan, Stop);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Stop));
    }

    async Task<Schedule> GetAsync(string name) => (await _system.Client.GetFromJsonAsync($"/api/v1/schedules/{name}", JobsJson.Default.Schedule, Stop))!;

    async Task<int> CountJobsAsync() => (await _system.Client.GetFromJsonAsync<JsonElement>("/api/v1/jobs", Stop)).GetProperty("items").GetArrayLength();
}
