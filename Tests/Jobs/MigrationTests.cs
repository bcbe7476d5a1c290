using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace AspireJobs.Tests.Jobs;

/// <summary>What earlier versions stored.</summary>
public sealed class MigrationTests(Stores stores)
{
    static readonly Dictionary<string, string> Receivers = new()
    {
        ["http://plain:8080/hooks/1"] = "plain:8080",
        ["http://plain:8080?token=1"] = "plain:8080",
        ["http://plain:8080#part"] = "plain:8080",
        ["http://plain:8080\\a"] = "plain:8080",
        ["http://user:word@plain:8080/"] = "plain:8080",
        ["http://Plain/a@b"] = "plain",
        ["http://plain:80?a=//b"] = "plain",
        ["http://plain:"] = "plain",
        ["http://plain:443"] = "plain:443",
        ["HTTPS://plain:443/"] = "plain",
        ["https://plain:80"] = "plain:80",
        ["http://[::1]?a"] = "[::1]",
        ["http://[::1]:80/"] = "[::1]",
        ["nowhere"] = "",
    };

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_of_before_u0000_was_refused_keep_no_lost_job_from_being_settled()
    {
        await using var store = await stores.LeaseAsync();
        await using var db = NpgsqlDataSource.Create(store.Postgres);
        await EarlierSchema.MakeAsync(db, "Schema/0007_no_nul.sql");
        await using (var insert = db.CreateCommand(
            """
            insert into jobs (id, request, source_type, api_key_id, api_key_name)
            select gen_random_uuid(), '{"source": {"type": "inline", "content": "a\u0000\u0000b \\u0000 \\\u0000"}}', 'inline', gen_random_uuid(), 'test' from generate_series(1, 2);
            insert into api_keys (id, name, key_hash) values (gen_random_uuid(), 'test', sha256('test'));
            insert into schedules (name, api_key_id, cron, time_zone, overlap, catch_up_seconds, paused, request)
            select 'nightly', api_keys.id, '0 0 * * *', 'UTC', 'skip', 60, true, jobs.request from api_keys, jobs limit 1;
            update jobs set status = 'running', attempt = 1, worker_id = 'gone', started_at = now(), lease_expires_at = now() - interval '1 minute';
            update jobs set status = 'failed', outcome = 'tasks_failed', finished_at = now(), lease_expires_at = null where id = (select min(id::text)::uuid from jobs)
            """))
            await insert.ExecuteNonQueryAsync(Stop);
        Assert.Equal("22P05", (await Assert.ThrowsAsync<PostgresException>(() => db.Command("select request ->> 'on_worker_lost' from jobs").ExecuteAsync(Stop))).SqlState);

        await SchemaMigrator.ApplyAsync(db, Stop);

        await db.Command("insert into leader (worker_id, expires_at, led_since) values ('leader', now() + interval '1 hour', now() - interval '1 hour')").ExecuteAsync(Stop);
        var lost = Assert.Single(await new JobUpkeep(db, NullLogger<JobUpkeep>.Instance).SettleLostAsync(Stop));
        // Six characters with a backslash of their own before them are text.
        const string Mended = "a\ufffd\ufffdb \\u0000 \\\ufffd";
        Assert.Equal((JobOutcome.WorkerLost, Mended), (lost.Outcome, lost.Request.Source!.Content));
        await using var all = db.CreateCommand("select array_agg(request #>> '{source,content}') from (select request from jobs union all select request from schedules) as requests");
        Assert.Equal([Mended, Mended, Mended], (string[])(await all.ExecuteScalarAsync(Stop))!);
    }

    [Fact]
    public async Task A_receiver_is_host_and_port_of_its_URL_for_callbacks_of_before_and_since()
    {
        await using var store = await stores.LeaseAsync();
        await using var db = NpgsqlDataSource.Create(store.Postgres);
        await EarlierSchema.MakeAsync(db, "Schema/0008_receivers.sql");
        await EndAllAsync();
        await using var receivers = db.CreateCommand("select array_agg(receiver order by callback_url) from webhook_deliveries join jobs on jobs.id = job_id");
        Assert.Contains("plain:8080?token=1", (string[])(await receivers.ExecuteScalarAsync(Stop))!);

        await SchemaMigrator.ApplyAsync(db, Stop);
        await EndAllAsync();

        await using var mended = db.CreateCommand("select callback_url, receiver from webhook_deliveries join jobs on jobs.id = job_id");
        await using var reader = await mended.ExecuteReaderAsync(Stop);
        var found = new List<(string Url, string Receiver)>();
        while (await reader.ReadAsync(Stop))
            found.Add((reader.GetString(0), reader.GetString(1)));
        Assert.Equal(2 * Receivers.Count, found.Count);
        Assert.All(found, delivery => Assert.Equal(Receivers[delivery.Url], delivery.Receiver));

        async Task EndAllAsync()
        {
            await using var batch = db.CreateBatch();
            batch.BatchCommands.Add(new NpgsqlBatchCommand(
                """
                insert into jobs (id, request, source_type, callback_url, api_key_id, api_key_name)
                select gen_random_uuid(), '{}', 'inline', url, gen_random_uuid(), 'test' from unnest($1) as url
                """)
            { Parameters = { new() { Value = Receivers.Keys.ToArray() } } });
            batch.BatchCommands.Add(new NpgsqlBatchCommand("update jobs set status = 'cancelled', outcome = 'cancelled', cancel_requested_at = now(), finished_at = now() where status = 'queued'"));
            await batch.ExecuteNonQueryAsync(Stop);
        }
    }
}
