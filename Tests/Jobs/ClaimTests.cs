using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Npgsql;

namespace AspireJobs.Tests.Jobs;

/// <summary>Which jobs start, and in which order, decided by Postgres.</summary>
public sealed class ClaimTests(Stores stores) : IAsyncLifetime
{
    static readonly Guid Alice = Guid.NewGuid();
    static readonly Guid Bob = Guid.NewGuid();

    StoreLease _store = null!;
    NpgsqlDataSource _db = null!;

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = await stores.LeaseAsync();
        _db = NpgsqlDataSource.Create(_store.Postgres);
    }

    public async ValueTask DisposeAsync()
    {
        await _db.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task Jobs_of_one_caller_start_in_the_order_of_their_submission()
    {
        var ids = await SubmitAsync(Alice, 5);

        Assert.Equal(ids, await ClaimOneByOneAsync(5));
    }

    [Fact]
    public async Task A_worker_that_is_frozen_while_it_claims_does_not_hold_up_the_others()
    {
        var ids = await SubmitAsync(Alice, 1);
        var builder = new NpgsqlDataSourceBuilder(_store.Postgres);
        JobsDatabase.Configure(builder);
        await using var frozen = builder.Build();
        await using var batch = frozen.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(JobLeases.TakeTurn));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select repeat('x', 1000000) from generate_series(1, 200)"));
        var reader = await batch.ExecuteReaderAsync(Stop);

        Assert.Equal(ids, await ClaimOneByOneAsync(1));

        await Assert.ThrowsAnyAsync<NpgsqlException>(async () =>
        {
            while (await reader.NextResultAsync(Stop))
                while (await reader.ReadAsync(Stop))
                    continue;
        });
    }

    [Fact]
    public async Task A_higher_priority_starts_first()
    {
        var normal = await SubmitAsync(Alice, 1);
        var low = await SubmitAsync(Alice, 1, request => request.Priority = 0);
        var high = await SubmitAsync(Alice, 1, request => request.Priority = 9);

        Assert.Equal([.. high, .. normal, .. low], await ClaimOneByOneAsync(3));
    }

    [Fact]
    public async Task Callers_take_turns_however_many_jobs_one_of_them_has()
    {
        var alices = await SubmitAsync(Alice, 20);
        Assert.Equal(alices[..3], await ClaimOneByOneAsync(3));

        var bobs = await SubmitAsync(Bob, 3);

        Assert.Equal([alices[3], bobs[0], alices[4], bobs[1], alices[5], bobs[2], alices[6]], await ClaimOneByOneAsync(7));
    }

    [Fact]
    public async Task A_caller_with_one_job_at_a_time_does_not_hold_up_one_with_many()
    {
        var alices = await SubmitAsync(Alice, 10);
        var started = new List<JobId>();
        for (var i = 0; i < 4; i++)
        {
            await SubmitAsync(Bob, 1);
            started.AddRange(await ClaimOneByOneAsync(2));
        }

        Assert.Equal(alices[..4], started.Where(alices.Contains));
    }

    [Fact]
    public async Task Jobs_with_one_concurrency_key_run_one_at_a_time_and_do_not_hold_up_others()
    {
        var keyed = await SubmitAsync(Alice, 30, request => request with { ConcurrencyKey = "web" });
        var free = await SubmitAsync(Alice, 1);

        Assert.Equal([keyed[0], free[0]], await ClaimAsync(10));
        Assert.Empty(await ClaimAsync(10));

        await FinishAsync(keyed[0]);
        Assert.Equal([keyed[1]], await ClaimAsync(10));
    }

    [Fact]
    public async Task Each_job_counts_the_others_of_its_concurrency_key_by_its_own_limit()
    {
        var first = await SubmitAsync(Alice, 1, request => request with { ConcurrencyKey = "web", ConcurrencyLimit = 3 });
        Assert.Equal(first, await ClaimAsync(10));
        var alone = await SubmitAsync(Alice, 1, request => request with { ConcurrencyKey = "web", ConcurrencyLimit = 1 });
        var ofTwo = await SubmitAsync(Alice, 2, request => request with { ConcurrencyKey = "web", ConcurrencyLimit = 2 });
        var other = await SubmitAsync(Alice, 1, request => request with { ConcurrencyKey = "db", ConcurrencyLimit = 1 });

        Assert.Equal([ofTwo[0], other[0]], await ClaimAsync(10));

        await FinishAsync(first[0]);
        Assert.Equal([ofTwo[1]], await ClaimAsync(10));
        await FinishAsync(ofTwo[0]);
        await FinishAsync(ofTwo[1]);
        Assert.Equal(alone, await ClaimAsync(10));
    }

    [Fact]
    public async Task A_concurrency_limit_holds_among_workers_that_claim_at_the_same_time()
    {
        await SubmitAsync(Alice, 40, request => request with { ConcurrencyKey = "web", ConcurrencyLimit = 3 });

        var claims = await Task.WhenAll(Enumerable.Range(0, 10).Select(worker => ClaimAsync(5, $"worker-{worker}")));

        Assert.Equal(3, claims.Sum(claim => claim.Count));
    }

    [Fact]
    public async Task Queues_and_callers_run_no_more_jobs_than_they_may()
    {
        await ExecuteAsync($"insert into queues (name, max_running) values ('small', 2); insert into api_keys (id, name, key_hash, max_running) values ('{Bob}', 'bob', sha256('bob'), 1)");
        var small = await SubmitAsync(Alice, 4, request => request.Queue = "small");
        var bobs = await SubmitAsync(Bob, 3);

        Assert.Equal([.. small[..2], bobs[0]], (await ClaimAsync(10)).Order(ById));
        Assert.Empty(await ClaimAsync(10));

        await FinishAsync(small[0]);
        await FinishAsync(bobs[0]);
        Assert.Equal([small[2], bobs[1]], (await ClaimAsync(10)).Order(ById));
    }

    [Fact]
    public async Task A_paused_queue_gives_no_jobs_and_a_worker_takes_only_those_of_its_queues()
    {
        await ExecuteAsync("insert into queues (name, paused) values ('held', true), ('other', false)");
        await SubmitAsync(Alice, 1, request => request.Queue = "held");
        var other = await SubmitAsync(Alice, 1, request => request.Queue = "other");
        await SubmitAsync(Alice, 1);

        Assert.Equal(other, await ClaimAsync(10, queues: ["held", "other"]));
    }

    [Fact]
    public async Task A_job_waits_for_its_time_and_then_stands_in_line()
    {
        var later = await SubmitAsync(Alice, 1, request => request with { NotBefore = TimeProvider.System.GetUtcNow().AddHours(1) });
        Assert.Empty(await ClaimAsync(10));
        Assert.Equal(WaitingReason.NotBefore, (await new JobWaits(_db).ExplainAsync(later[0], Stop))!.Reason);

        await ExecuteAsync("update jobs set ready_at = now()");

        Assert.Equal(1, await new JobUpkeep(_db).AdmitDueAsync(Stop));
        Assert.Equal(later, await ClaimAsync(10));
    }

    [Fact]
    public async Task A_job_that_did_not_start_in_time_fails_as_expired()
    {
        var id = (await SubmitAsync(Alice, 1, request => request with { ExpiresAt = TimeProvider.System.GetUtcNow().AddHours(1) }))[0];
        Assert.Empty(await new JobUpkeep(_db).ExpireAsync(Stop));

        await ExecuteAsync("update jobs set expires_at = now()");

        Assert.Empty(await ClaimAsync(10));
        var expired = Assert.Single(await new JobUpkeep(_db).ExpireAsync(Stop));
        Assert.Equal((id, JobStatus.Failed, JobOutcome.Expired), (expired.Id, expired.Status, expired.Outcome));
    }

    [Fact]
    public async Task The_reason_for_a_wait_is_told_with_the_jobs_that_hold_it_up()
    {
        await new JobLeases(_db).RenewAsync(new WorkerReport("worker", 1, null, "", "", false), [], Stop);
        var keyed = await SubmitAsync(Alice, 3, request => request with { ConcurrencyKey = "web" });
        await ClaimAsync(1);

        var waiting = (await new JobWaits(_db).ExplainAsync(keyed[2], Stop))!;

        Assert.Equal((WaitingReason.ConcurrencyKey, 2), (waiting.Reason, waiting.Position));
        Assert.Equal([keyed[0]], waiting.HeldBy);
        Assert.Null(await new JobWaits(_db).ExplainAsync(keyed[0], Stop));
    }

    [Fact]
    public async Task A_claim_whose_answer_got_lost_is_found_again()
    {
        var ids = await SubmitAsync(Alice, 2);
        await ClaimAsync(2);

        var found = await new JobLeases(_db).UnansweredAsync("worker", [new JobLease(ids[0], 1)], Unreadable, Stop);

        Assert.Equal(ids[1], Assert.Single(found).Job.Id);
    }

    [Theory]
    [InlineData("update jobs set status = 'success', outcome = 'success', finished_at = now(), turn = null")]
    [InlineData("update jobs set status = 'failed', outcome = 'tasks_failed', finished_at = now(), turn = null")]
    [InlineData("update jobs set attempt = attempt + 1")]
    [InlineData("update jobs set status = 'running', lease_expires_at = now(), turn = null")]
    [InlineData("update jobs set status = 'running', attempt = 2, lease_expires_at = now(), turn = null")]
    [InlineData("insert into jobs (id, status, lease_expires_at, request, source_type, api_key_id, api_key_name) values (gen_random_uuid(), 'running', now(), '{}', 'inline', gen_random_uuid(), 'x')")]
    public async Task A_move_that_the_states_do_not_know_is_refused_by_the_database(string sql)
    {
        await SubmitAsync(Alice, 1);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(sql));

        Assert.Equal(PostgresErrorCodes.CheckViolation, refused.SqlState);
    }

    static readonly Comparer<JobId> ById = Comparer<JobId>.Create((one, other) => one.Value.CompareTo(other.Value));

    async Task<List<JobId>> SubmitAsync(Guid caller, int count, Func<JobRequest, object>? change = null)
    {
        await using var connection = await _db.OpenConnectionAsync(Stop);
        var ids = new List<JobId>();
        for (var i = 0; i < count; i++)
        {
            var request = new JobRequest { Source = new JobSource { Type = SourceType.Inline, Content = "x" } };
            request = change?.Invoke(request) as JobRequest ?? request;
            ids.Add((await JobIntake.StoreAsync(connection, new NewJob(JobId.Create(TimeProvider.System), request, caller, "test", null, null))).Job.Id);
        }
        return ids;
    }

    async Task<List<JobId>> ClaimAsync(int count, string worker = "worker", IReadOnlyList<string>? queues = null) =>
        (await new JobLeases(_db).ClaimAsync(worker, queues, count, Unreadable, Stop)).ConvertAll(claimed => claimed.Job.Id);

    async Task<List<JobId>> ClaimOneByOneAsync(int count)
    {
        await using var connection = await _db.OpenConnectionAsync(Stop);
        var ids = new List<JobId>();
        for (var i = 0; i < count; i++)
            ids.AddRange(await ClaimAsync(1));
        return ids;
    }

    async Task FinishAsync(JobId id) => Assert.Equal(Settled.Final,
        await new JobResults(_db).FinishAsync("worker", new JobLease(id, 1), new JobResult(JobOutcome.Success), JobOutputBatch.Empty));

    static void Unreadable(JobId id, Exception exception) => throw new InvalidOperationException($"{id} cannot be read", exception);

    async Task ExecuteAsync(string sql)
    {
        await using var command = _db.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Stop);
    }
}
