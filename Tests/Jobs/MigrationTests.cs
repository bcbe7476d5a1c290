using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Npgsql;

namespace AspireJobs.Tests.Jobs;

/// <summary>What earlier versions stored.</summary>
public sealed class MigrationTests(Stores stores)
{
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
            select gen_random_uuid(), '{"source": {"type": "inline", "content": "a\u0000b"}}', 'inline', gen_random_uuid(), 'test' from generate_series(1, 2);
            update jobs set status = 'running', attempt = 1, worker_id = 'gone', started_at = now(), lease_expires_at = now() - interval '1 minute';
            update jobs set status = 'failed', outcome = 'tasks_failed', finished_at = now(), lease_expires_at = null where id = (select min(id::text)::uuid from jobs)
            """))
            await insert.ExecuteNonQueryAsync(Stop);
        var upkeep = new JobUpkeep(db);
        Assert.Equal("22P05", (await Assert.ThrowsAsync<PostgresException>(() => upkeep.SettleLostAsync(Stop))).SqlState);

        await SchemaMigrator.ApplyAsync(db, Stop);

        var lost = Assert.Single(await upkeep.SettleLostAsync(Stop));
        Assert.Equal((JobOutcome.WorkerLost, "a\ufffdb"), (lost.Outcome, lost.Request.Source!.Content));
        await using var left = db.CreateCommand("select count(*) from jobs where strpos(request::text, '\\u0000') > 0");
        Assert.Equal(0L, await left.ExecuteScalarAsync(Stop));
    }
}
