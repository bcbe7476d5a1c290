using System.Globalization;
using System.Net;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace AspireJobs.Tests.Jobs;

/// <summary>What becomes of old jobs, and of those who read them.</summary>
public sealed class RetentionTests(Stores stores)
{
    static readonly KeptJobs ThirtyDays = new(TimeSpan.FromDays(30), 1_000_000);

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Old_jobs_go_with_all_that_is_theirs_and_nothing_else_does()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var db = Database(system);
        var old = await StoreAsync(db, daysAgo: 40);
        var besideAlive = await StoreAsync(db, daysAgo: 41);
        var alive = await StoreAsync(db, daysAgo: 41, finished: false);
        var owed = await StoreAsync(db, daysAgo: 42, owed: true);
        var endedLately = await StoreAsync(db, daysAgo: 43, endedDaysAgo: 1);
        var ofNoDay = await StoreAsync(db, daysAgo: 44, day: false);
        var ofTheFuture = await StoreAsync(db, daysAgo: -10, endedDaysAgo: 40, day: false);
        var young = await StoreAsync(db, daysAgo: 29);

        using (var worker = await ServiceProcess.StartAsync("Worker", system.Settings))
            await worker.LineAsync(line => line.Contains("\"event\":\"job_day_dropped\"", StringComparison.Ordinal));

        foreach (var id in new[] { old, besideAlive, ofNoDay, ofTheFuture })
        {
            foreach (var path in new[] { "", "/logs", "/events", "/attempts", "/deliveries" })
            {
                using var response = await system.Client.GetAsync($"/api/v1/jobs/{id}{path}", Stop);
                Assert.Equal((HttpStatusCode.NotFound, path), (response.StatusCode, path));
            }
            Assert.Equal(0L, await CountAsync(db, $"select (select count(*) from job_events where job_id = '{id.Value}') + (select count(*) from job_log where job_id = '{id.Value}')"));
        }
        foreach (var id in new[] { alive, owed, endedLately, young })
        {
            Assert.Equal("all of it\n", await system.Client.GetStringAsync($"/api/v1/jobs/{id}/logs", Stop));
            Assert.Single((await system.EventsAsync(id)).EnumerateArray());
        }
        Assert.Null(await DayTableAsync(db, daysAgo: 40));
        Assert.NotNull(await DayTableAsync(db, daysAgo: 41));
        Assert.NotNull(await DayTableAsync(db, daysAgo: -3));
    }

    [Fact]
    public async Task Of_more_jobs_than_are_kept_the_oldest_that_have_ended_go()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var db = Database(system);
        var waiting = await StoreAsync(db, daysAgo: 3, finished: false);
        var oldest = await StoreAsync(db, daysAgo: 2);
        var ofToday = new List<JobId>();
        for (var i = 0; i < 4; i++)
            ofToday.Add(await StoreAsync(db, daysAgo: 0));

        var settings = system.Settings;
        settings["Retention:MaxJobs"] = "2";
        using (var worker = await ServiceProcess.StartAsync("Worker", settings))
            await worker.LineAsync(line => line.Contains("\"event\":\"job_day_dropped\"", StringComparison.Ordinal));

        Assert.Equal([waiting, ofToday[2], ofToday[3]], await IdsAsync(db));
        Assert.Null(await DayTableAsync(db, daysAgo: 2));
        Assert.Equal(3, await CountAsync(db, "select count(*) from job_events"));
        Assert.Equal(HttpStatusCode.NotFound, (await system.Client.GetAsync($"/api/v1/jobs/{oldest}/logs", Stop)).StatusCode);
    }

    [Fact]
    public async Task A_days_tables_are_not_dropped_while_somebody_reads_and_nobody_waits_for_that()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var db = Database(system);
        await StoreAsync(db, daysAgo: 40);
        var young = await StoreAsync(db, daysAgo: 0);
        var retention = new JobRetention(db);
        var found = await retention.FindAsync(ThirtyDays, Stop);
        var (day, jobs) = found.Days.Single(day => day.Key == Day(40));
        Assert.Equal(1, await retention.RemoveAsync(ThirtyDays, found.OldestKept, jobs, output: false, Stop));

        await using (var reader = await db.OpenConnectionAsync(Stop))
        {
            await using var transaction = await reader.BeginTransactionAsync(Stop);
            await using var reading = new NpgsqlCommand("select count(*) from job_events", reader);
            await reading.ExecuteScalarAsync(Stop);

            var dropping = retention.DropDayAsync(day, jobs, Stop);
            Assert.Single((await system.EventsAsync(young)).EnumerateArray());
            var refused = await Assert.ThrowsAsync<PostgresException>(() => dropping);
            Assert.Equal(PostgresErrorCodes.LockNotAvailable, refused.SqlState);
        }
        await retention.DropDayAsync(day, jobs, Stop);

        Assert.Null(await DayTableAsync(db, daysAgo: 40));
    }

    [Fact]
    public async Task A_day_that_a_killed_worker_left_half_removed_goes_with_the_next_worker()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var db = Database(system);
        await StoreAsync(db, daysAgo: 40);
        await using (var reader = await db.OpenConnectionAsync(Stop))
        {
            await using var transaction = await reader.BeginTransactionAsync(Stop);
            // It is dropped after the day's table of events.
            await using var reading = new NpgsqlCommand($"select count(*) from job_log_{Day(40):yyyyMMdd}", reader);
            await reading.ExecuteScalarAsync(Stop);
            using var killed = await ServiceProcess.StartAsync("Worker", system.Settings);
            await killed.LineAsync(line => line.Contains("removing old jobs", StringComparison.Ordinal));
            await killed.KillAsync();
        }
        Assert.NotNull(await DayTableAsync(db, daysAgo: 40));
        Assert.Equal(1, await CountAsync(db, $"select count(*) where to_regclass('job_events_{Day(40):yyyyMMdd}') is null"));

        using var next = await ServiceProcess.StartAsync("Worker", system.Settings);
        await next.LineAsync(line => line.Contains("\"event\":\"job_day_dropped\"", StringComparison.Ordinal));

        Assert.Null(await DayTableAsync(db, daysAgo: 40));
    }

    [Fact]
    public async Task Who_follows_a_running_job_gets_all_of_it_while_old_days_go()
    {
        await using var system = await JobSystem.StartAsync(stores, webhooks: false, settings: new() { ["Retention:Days"] = "400" });
        var db = Database(system);
        for (var i = 0; i < 5; i++)
            await StoreAsync(db, daysAgo: 40 + i);
        var gate = Path.Combine(Path.GetTempPath(), $"aspirejobs-test-{Guid.NewGuid():N}");
        var id = await system.SubmitAsync(new { source = new { type = "inline", content = $"- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {{msg: before}}\n    - wait_for: {{path: {gate}}}\n    - debug: {{msg: after}}\n" } });
        await system.WaitForLogAsync(id, "before");
        var following = system.WaitAsync(id);

        var retention = new JobRetention(db);
        var found = await retention.FindAsync(ThirtyDays, Stop);
        foreach (var (day, jobs) in found.Days)
        {
            await retention.RemoveAsync(ThirtyDays, found.OldestKept, jobs, output: false, Stop);
            await retention.DropDayAsync(day, jobs, Stop);
        }
        await File.WriteAllTextAsync(gate, "", Stop);
        var (job, log) = await following;
        File.Delete(gate);

        Assert.Equal(5, found.Days.Count);
        Assert.Equal(JobOutcome.Success, job.Outcome);
        Assert.Contains("before", log);
        Assert.Contains("after", log);
        Assert.Equal("playbook_on_stats", (await system.EventsAsync(id)).EnumerateArray().Last().GetProperty("type").GetString());
        Assert.Equal(0, await CountAsync(db, "select (select count(*) from job_events_default) + (select count(*) from job_log_default)"));
    }

    [Fact]
    public async Task A_log_that_goes_while_it_is_read_does_not_pass_for_a_whole_one()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var db = Database(system);
        var id = await StoreAsync(db, daysAgo: 40);
        await ExecuteAsync(db, $"insert into job_log (job_id, seq, attempt, content) select '{id.Value}', number, 1, repeat('x', 524288) from generate_series(2, 100) as number");
        using var response = await system.Client.GetAsync($"/api/v1/jobs/{id}/logs", HttpCompletionOption.ResponseHeadersRead, Stop);
        await using var body = await response.Content.ReadAsStreamAsync(Stop);
        await body.ReadExactlyAsync(new byte[1000], Stop);

        var retention = new JobRetention(db);
        var found = await retention.FindAsync(ThirtyDays, Stop);
        Assert.Equal(1, await retention.RemoveAsync(ThirtyDays, found.OldestKept, found.Ranges[0], output: true, Stop));

        await Assert.ThrowsAnyAsync<IOException>(() => body.CopyToAsync(Stream.Null, Stop));
    }

    [Theory]
    [InlineData("job_events (job_id, seq, attempt, at, type, data) select id, 200000, 1, now(), 'runner_on_ok', '{}'")]
    [InlineData("job_log (job_id, seq, attempt, content) select id, 5000, 1, 'x'")]
    public async Task Jobs_with_much_output_are_removed_one_by_one(string output)
    {
        await using var store = await stores.LeaseAsync();
        await using var db = NpgsqlDataSource.Create(store.Postgres);
        for (var i = 0; i < 4; i++)
            await StoreAsync(db, daysAgo: 40);
        await ExecuteAsync(db, $"insert into {output} from (select id from jobs order by id offset 1 limit 2) large");

        var retention = new JobRetention(db);
        var found = await retention.FindAsync(ThirtyDays, Stop);
        var removed = new List<int>();
        do
            removed.Add(await retention.RemoveAsync(ThirtyDays, found.OldestKept, found.Ranges[0], output: true, Stop));
        while (removed[^1] > 0);

        Assert.Equal([2, 1, 1, 0], removed);
    }

    [Fact]
    public async Task Output_that_lies_in_no_day_moves_to_its_day_when_that_is_made()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var db = Database(system);
        var id = await StoreAsync(db, daysAgo: 5, finished: false, day: false);

        await new JobRetention(db).AddDaysAsync(ThirtyDays, Stop);

        Assert.Equal(0, await CountAsync(db, "select count(*) from job_log_default"));
        Assert.Equal(1, await CountAsync(db, $"select count(*) from job_log_{Day(5):yyyyMMdd}"));
        Assert.Equal("all of it\n", await system.Client.GetStringAsync($"/api/v1/jobs/{id}/logs", Stop));
    }

    [Fact]
    public async Task Output_of_before_days_had_tables_is_moved_to_them()
    {
        await using var store = await stores.LeaseAsync();
        await using var db = NpgsqlDataSource.Create(store.Postgres);
        await EarlierSchema.MakeAsync(db, "Schema/0006_retention.sql");
        var id = await StoreAsync(db, daysAgo: 5, day: false);

        await SchemaMigrator.ApplyAsync(db, Stop);

        Assert.Equal("all of it\n", Assert.Single(await new JobOutput(db).LogAsync(id, null, 0, 10, Stop)).Text);
        Assert.Equal(1, await CountAsync(db, $"select count(*) from job_events_{Day(5):yyyyMMdd}"));
    }

    [Theory]
    [InlineData("Retention:Days", "0")]
    [InlineData("Retention:MaxJobs", "-1")]
    public async Task A_setting_out_of_range_stops_the_start_and_is_named(string setting, string value)
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var settings = system.Settings;
        settings[setting] = value;

        using var worker = await ServiceProcess.RunToEndAsync("Worker", settings);

        Assert.Contains(worker.Lines.Concat(worker.Errors), line => line.Contains(setting.Split(':')[1], StringComparison.Ordinal));
    }

    /// <summary>Stores a job as it would be if it had been made so many days ago, with a line of log and an event.</summary>
    static async Task<JobId> StoreAsync(NpgsqlDataSource db, int daysAgo, bool finished = true, int? endedDaysAgo = null, bool owed = false, bool day = true)
    {
        // One after the other also within a millisecond.
        var id = Guid.CreateVersion7(new DateTimeOffset(Day(daysAgo), new TimeOnly(12, 0), TimeSpan.Zero).AddMilliseconds(Interlocked.Increment(ref s_made)));
        if (day)
            await ExecuteAsync(db, $"select job_output_add_day(day) from (select date '{Day(daysAgo):yyyy-MM-dd}' as day) wanted where day not in (select day from job_output_days)");
        await ExecuteAsync(db,
            $$$"""
            insert into jobs (id, request, source_type, api_key_id, api_key_name, ready_at)
            values ('{{{id}}}', '{"source": {"type": "inline", "content": "- hosts: all"}}', 'inline', gen_random_uuid(), 'test', now() + interval '1 year');
            insert into job_events (job_id, seq, attempt, at, type, data) values ('{{{id}}}', 1, 1, now(), 'playbook_on_start', '{}');
            insert into job_log (job_id, seq, attempt, content) values ('{{{id}}}', 1, 1, E'all of it\n');
            """);
        if (finished)
            await ExecuteAsync(db,
                $"""
                update jobs set status = 'running', attempt = 1, worker_id = 'w', started_at = now(), lease_expires_at = now() + interval '1 day' where id = '{id}';
                update jobs set status = 'success', outcome = 'success', lease_expires_at = null, finished_at = now() - interval '{endedDaysAgo ?? daysAgo} days' where id = '{id}';
                """);
        if (owed)
            await ExecuteAsync(db, $"insert into webhook_deliveries (job_id, receiver) values ('{id}', 'example.com')");
        return new JobId(id);
    }

    static int s_made;

    static DateOnly Day(int daysAgo) => DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().AddDays(-daysAgo).UtcDateTime);

    static NpgsqlDataSource Database(JobSystem system) => system.ApiServices.GetRequiredService<NpgsqlDataSource>();

    static async Task<object?> DayTableAsync(NpgsqlDataSource db, int daysAgo)
    {
        await using var command = db.CreateCommand(string.Create(CultureInfo.InvariantCulture, $"select max(day) from job_output_days where day = '{Day(daysAgo):yyyy-MM-dd}'"));
        return await command.ExecuteScalarAsync(Stop) is DateOnly or DateTime ? daysAgo : null;
    }

    static async Task<List<JobId>> IdsAsync(NpgsqlDataSource db) =>
        await db.Command("select id from jobs order by id").QueryAsync(row => new JobId(row.GetGuid(0)), Stop);

    static Task<long> CountAsync(NpgsqlDataSource db, string sql) => db.Command(sql).CountAsync(Stop);

    static Task<int> ExecuteAsync(NpgsqlDataSource db, string sql) => db.Command(sql).ExecuteAsync(Stop);
}
