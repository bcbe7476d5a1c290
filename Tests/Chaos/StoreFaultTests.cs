using System.Net;
using System.Net.Http.Json;
using AspireJobs.Jobs;
using Npgsql;

namespace AspireJobs.Tests.Chaos;

/// <summary>Redis and Postgres die, come back, are full, or hang while jobs wait and run.</summary>
public sealed class StoreFaultTests : IAsyncLifetime
{
    const string Linger = "    - name: Linger\n      command: sleep 3\n";

    OwnStores _stores = null!;
    Fleet _fleet = null!;

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _stores = await OwnStores.StartAsync();
        _fleet = new Fleet(_stores.Postgres, _stores.Redis);
        await _fleet.StartApiAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _fleet.DisposeAsync();
        await _stores.DisposeAsync();
    }

    [Fact]
    public async Task Jobs_are_accepted_and_run_while_Redis_is_full_flushed_killed_and_away()
    {
        await StartWorkerAsync();
        var running = await RunningAsync();

        await _stores.RedisAsync("CONFIG", "SET", "maxmemory", "1");
        await SucceedsAsync(await _fleet.SubmitAsync());
        await _stores.RedisAsync("CONFIG", "SET", "maxmemory", "0");
        await _stores.RedisAsync("FLUSHALL");
        await SucceedsAsync(await _fleet.SubmitAsync());
        await _stores.KillRedisAsync();
        var meanwhile = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => _fleet.SubmitAsync(Linger)));
        foreach (var id in meanwhile)
            Assert.Equal((await _fleet.GetAsync(id)).TraceId, (await _fleet.Api.EventAsync("enqueue_failed", $"{id}")).GetProperty("trace_id").GetString());
        await Form.PauseAsync(Form.Away);
        foreach (var id in meanwhile)
            await SucceedsAsync(id);
        await _stores.StartAsync("redis");
        await SucceedsAsync(await _fleet.SubmitAsync());
        await SucceedsAsync(running);

        (await _fleet.JudgeAsync()).HasNoFault();
    }

    [Fact]
    public async Task A_job_that_was_accepted_while_Redis_hung_runs_although_the_API_then_dies_and_starts_again_before_Redis_answers()
    {
        var token = Guid.NewGuid().ToString("N");
        var request = new { source = _fleet.Source(token) };
        await using (await _stores.FreezeRedisAsync())
        {
            Assert.NotNull(await _fleet.TrySubmitAsync(token, request));
            await _fleet.KillApiAsync();
            await _fleet.StartApiAsync();
        }

        _fleet.StartWorker();
        await _fleet.UntilAsync("select 1 from jobs where outcome = 'success'");

        Assert.NotNull(await _fleet.TrySubmitAsync(token, request));
        var verdict = await _fleet.JudgeAsync();
        verdict.HasNoFault();
        Assert.Equal(1, verdict.Jobs);
    }

    [Fact]
    public async Task Jobs_outlive_a_restart_of_Postgres_and_are_accepted_when_it_is_back()
    {
        await StartWorkerAsync();
        var running = await RunningAsync();

        await _fleet.WithoutDatabaseAsync(async () =>
        {
            await _stores.StopAsync("postgres");
            await _stores.StartAsync("postgres");
        });
        await SucceedsAsync(running);
        var held = await RunningAsync();
        Task<JobId> meanwhile = null!;
        await _fleet.WithoutDatabaseAsync(async () =>
        {
            await _stores.StopAsync("postgres");
            meanwhile = _fleet.SubmitAsync();
            await Form.PauseAsync(Form.Away);
            await _stores.StartAsync("postgres");
        });
        await SucceedsAsync(await meanwhile);
        // Its lease ended meanwhile, but its worker lives and has its result.
        await SucceedsAsync(held);

        (await _fleet.JudgeAsync()).HasNoFault();
    }

    [Fact]
    public async Task Jobs_outlive_a_Postgres_that_takes_no_more_connections()
    {
        await StartWorkerAsync();
        var running = await RunningAsync();

        var held = await TakeAllConnectionsAsync();
        var meanwhile = _fleet.SubmitAsync();
        await Form.PauseAsync(Form.Away);
        foreach (var connection in held)
            await connection.DisposeAsync();
        await SucceedsAsync(await meanwhile);
        await _fleet.FinalAsync(running);

        (await _fleet.JudgeAsync()).HasNoFault();
    }

    [Fact]
    public async Task Jobs_run_on_and_end_as_they_did_while_Postgres_takes_no_writes()
    {
        await StartWorkerAsync();
        // One ends meanwhile, and one talks.
        var ends = await RunningAsync();
        var talks = await _fleet.SubmitAsync("    - name: Linger\n      command: sleep 0.5\n      loop: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]\n");
        await _fleet.UntilAsync("select 1 from job_log where job_id = $1 and content like '%TASK [Linger]%'", talks.Value);

        await WriteAsync(false);
        using (var refused = await _fleet.Client.PostAsJsonAsync("/api/v1/jobs", new { source = _fleet.Source("refused") }, Stop))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        await Form.PauseAsync(TimeSpan.FromSeconds(4));
        await WriteAsync(true);

        await SucceedsAsync(ends);
        await SucceedsAsync(talks);
        (await _fleet.JudgeAsync()).HasNoFault();

        async Task WriteAsync(bool allowed)
        {
            await using var db = NpgsqlDataSource.Create(_stores.Postgres + ";Pooling=false;Options=-c default_transaction_read_only=off");
            foreach (var command in new[] { $"alter system set default_transaction_read_only = {!allowed}", "select pg_reload_conf()" })
                await db.CreateCommand(command).ExecuteNonQueryAsync(Stop);
        }
    }

    // Those of the services as well.
    async Task<List<NpgsqlConnection>> TakeAllConnectionsAsync()
    {
        var held = new List<NpgsqlConnection>();
        try
        {
            while (true)
            {
                held.Add(new NpgsqlConnection(_stores.Postgres + ";Pooling=false;Application Name=chaos"));
                await held[^1].OpenAsync(Stop);
                await using var command = new NpgsqlCommand("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and application_name <> 'chaos'", held[0]);
                await command.ExecuteNonQueryAsync(Stop);
            }
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.TooManyConnections)
        {
            return held;
        }
    }

    [Fact]
    public async Task A_worker_that_is_told_to_end_while_Postgres_is_away_ends_in_order_and_says_what_it_leaves()
    {
        var worker = _fleet.StartWorker(("Worker:DrainTimeout", "00:00:00"));
        await RunningAsync();

        await _stores.StopAsync("postgres");

        Assert.Equal(0, await worker.StopAsync());
        Assert.Contains(worker.Lines, line => line.Contains("\"event\":\"jobs_left\"", StringComparison.Ordinal));
    }

    // At work: its connections are there, so that what follows is not about its start.
    async Task StartWorkerAsync() => await _fleet.StartWorker().LineAsync(line => line.Contains("\"event\":\"leader_elected\"", StringComparison.Ordinal));

    async Task<JobId> RunningAsync()
    {
        var id = await _fleet.SubmitAsync(Linger);
        await _fleet.UntilAsync("select 1 from job_log where job_id = $1 and content like '%TASK [Linger]%'", id.Value);
        return id;
    }

    async Task SucceedsAsync(JobId id)
    {
        await _fleet.FinalAsync(id);
        Assert.Equal(JobOutcome.Success, (await _fleet.GetAsync(id)).Outcome);
    }
}
