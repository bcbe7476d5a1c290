using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace AspireJobs.Tests.Jobs;

/// <summary>What submitting, claiming and settling read of a long queue when the planner's statistics are good, old or missing.</summary>
public sealed class PlanTests(Stores stores) : IAsyncLifetime
{
    const int Waiting = 20_000;

    // Beyond the number after which Npgsql prepares a statement.
    const int Times = 10;

    const string Nothing = "select";

    const string Analyze = "analyze jobs";

    // Counts the rows and knows nothing else of them, as after a restore.
    const string Vacuum = "vacuum jobs";

    const string FillWithEnded =
        """
        insert into jobs (id, request, source_type, api_key_id, api_key_name)
            select gen_random_uuid(), '{}', 'inline', gen_random_uuid(), 'another' from generate_series(1, 20000);
        update jobs set status = 'cancelled', outcome = 'cancelled', cancel_requested_at = now(), finished_at = now(), turn = null where status = 'queued';
        """;

    StoreLease _store = null!;
    NpgsqlDataSource _db = null!;

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = await stores.LeaseAsync();
        // One connection, so that what it has read is known to the statement that asks for it.
        var builder = new NpgsqlDataSourceBuilder($"{_store.Postgres};Maximum Pool Size=1");
        JobsDatabase.Configure(builder);
        _db = builder.Build();
        await ExecuteAsync("alter table jobs set (autovacuum_enabled = off)");
    }

    public async ValueTask DisposeAsync()
    {
        await _db.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Theory]
    [InlineData(Nothing, Nothing)]
    [InlineData(Analyze, Nothing)]
    [InlineData($"{FillWithEnded} {Analyze}", Nothing)]
    [InlineData(Nothing, Analyze)]
    [InlineData(Nothing, Vacuum)]
    public async Task A_job_goes_its_way_past_a_long_queue_without_reading_it(string before, string afterwards)
    {
        // Plans are made while the table is small, and may stay.
        await GoAsync((_, _, _) => { });
        await ExecuteAsync(before);
        await FillAsync();
        await ExecuteAsync(afterwards);

        await GoAsync((submitted, claimed, settled) =>
        {
            Assert.InRange(submitted, 0, 100);
            Assert.InRange(claimed, 1, 200);
            Assert.InRange(settled, 1, 100);
        });
    }

    // Hands over how many rows each step read, of some jobs where nothing is limited and some where something is: claims go by two statements.
    async Task GoAsync(Action<long, long, long> read)
    {
        await ExecuteAsync("delete from api_keys");
        for (var i = 0; i < 3 * Times; i++)
        {
            // That nobody reaches.
            if (i == 3 * Times / 2)
                await ExecuteAsync("insert into api_keys (id, name, key_hash, max_running) values (gen_random_uuid(), 'limited', sha256('limited'), 1)");
            var start = await ReadRowsAsync();
            // Alone, with another, or alone and seen before it is on disk, which are three statements.
            await (i % 3 == 2 ? SubmitVisibleFirstAsync() : SubmitAsync(jobs: 1 + i % 3));
            var submitted = await ReadRowsAsync();
            ClaimedJob claimed;
            await using (var leases = new JobLeases(_db, NullLogger<JobLeases>.Instance))
                claimed = Assert.Single((await leases.ClaimAsync("worker", null, 1, Stop)).Jobs);
            var taken = await ReadRowsAsync();
            await using (var results = new JobResults(_db))
                Assert.Equal(Settled.Final, await results.FinishAsync("worker", new JobLease(claimed.Job.Id, 1), new JobResult(JobOutcome.Success), JobOutputBatch.Empty));
            read(submitted - start, taken - submitted, await ReadRowsAsync() - taken);
        }
    }

    [Fact]
    public async Task What_waits_and_runs_is_counted_without_reading_what_has_ended()
    {
        var (jobs, queues) = (new JobStore(_db, NullLogger<JobStore>.Instance), new QueueStore(_db));
        // Their plans are made while the table is small.
        for (var i = 0; i < Times; i++)
        {
            await jobs.StatsAsync(Stop);
            await queues.ListAsync(Stop);
        }
        await ExecuteAsync(FillWithEnded);
        await SubmitAsync();
        // Whoever comes first marks the entries that are dead, and they are once no transaction that began before is open, also of another database.
        var filled = await _db.Command("select pg_current_xact_id()::text::bigint").CountAsync(Stop);
        await Poll.UntilAsync(async () => await _db.Command("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint").CountAsync(Stop) > filled);
        await queues.ListAsync(Stop);

        var start = await ReadRowsAsync();
        var stats = await jobs.StatsAsync(Stop);
        var counted = await ReadRowsAsync();
        var queue = Assert.Single(await queues.ListAsync(Stop));

        Assert.Equal((1, 0, 1), (Assert.Single(stats.Queues).Jobs, stats.RunningJobs, queue.Waiting));
        Assert.InRange(counted - start, 1, 100);
        Assert.InRange(await ReadRowsAsync() - counted, 1, 100);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(JobStatus.Running)]
    public async Task A_page_of_jobs_is_read_without_those_that_are_not_on_it(JobStatus? status)
    {
        var jobs = new JobStore(_db, NullLogger<JobStore>.Instance);
        var filter = new JobFilter(status, null, 10);
        // Its plan is made while the table is small.
        await SubmitAsync();
        for (var i = 0; i < Times; i++)
            await jobs.ListAsync(filter, Stop);
        await ExecuteAsync(FillWithEnded);

        var start = await ReadRowsAsync();
        await jobs.ListAsync(filter, Stop);

        Assert.InRange(await ReadRowsAsync() - start, 0, 100);
    }

    [Fact]
    public async Task Where_a_job_stands_near_the_head_of_a_long_line_is_told_without_reading_the_line()
    {
        await FillAsync();
        var fifth = (await _db.Command($"select id from jobs where turn is not null order by {JobOrder.By} offset 4 limit 1").QueryAsync(row => new JobId(row.GetGuid(0)), Stop)).Single();

        var start = await ReadRowsAsync();
        var waiting = await new JobWaits(_db).ExplainAsync(fifth, Stop);

        Assert.Equal(5, waiting!.Position);
        Assert.InRange(await ReadRowsAsync() - start, 1, 100);
    }

    async Task FillAsync()
    {
        await SubmitAsync();
        await ExecuteAsync($"""
            insert into jobs (id, request, source_type, api_key_id, api_key_name, turn)
                select gen_random_uuid(), request, source_type, api_key_id, api_key_name, n from (select * from jobs where turn is not null limit 1) one, generate_series(1, {Waiting}) n
            """);
    }

    async Task SubmitAsync(int jobs = 1)
    {
        await using var connection = await _db.OpenConnectionAsync(Stop);
        var entrants = Enumerable.Range(0, jobs).Select(_ => NewEntrant()).ToList();
        Assert.Equal(jobs, (await JobInsert.Command(connection, entrants).QueryAsync(JobInsert.Read, Stop)).Count);
    }

    async Task SubmitVisibleFirstAsync()
    {
        await using var connection = await _db.OpenConnectionAsync(Stop);
        await using var batch = JobInsert.VisibleFirst(connection, NewEntrant());
        await using var reader = await batch.ExecuteReaderAsync(Stop);
        Assert.Single(await reader.ReadAllAsync(JobInsert.Read, Stop));
    }

    // Of a caller of whom no other job waits: where it comes to stand is looked up too.
    static Entrant NewEntrant() => Entrant.Of(new NewJob(
        JobId.Create(TimeProvider.System), new JobRequest { Source = new JobSource { Type = SourceType.Inline, Content = "x" } }, Guid.NewGuid(), "test", null, null));

    // Rows of the table, and entries of its indexes, of which a scan can read many for few rows.
    async Task<long> ReadRowsAsync()
    {
        await ExecuteAsync("select pg_stat_force_next_flush()");
        return await _db.Command(
            """
            select (seq_tup_read + idx_tup_fetch + (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'jobs'))::bigint
            from pg_stat_user_tables where relname = 'jobs'
            """).CountAsync(Stop);
    }

    Task<int> ExecuteAsync(string sql) => _db.Command(sql).ExecuteAsync(Stop);
}
