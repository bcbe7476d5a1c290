using AspireJobs.Jobs;
using AspireJobs.Jobs.ApiKeys;
using AspireJobs.Jobs.Webhooks;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace AspireJobs.Tests.Jobs;

/// <summary>Which jobs start, and in which order, decided by Postgres.</summary>
public sealed class ClaimTests(Stores stores) : IAsyncLifetime
{
    static readonly Guid Alice = Guid.NewGuid();
    static readonly Guid Bob = Guid.NewGuid();
    static readonly Guid Carol = Guid.NewGuid();

    StoreLease _store = null!;
    NpgsqlDataSource _db = null!;

    JobLeases Leases => new(_db, NullLogger<JobLeases>.Instance);

    JobUpkeep Upkeep => new(_db, NullLogger<JobUpkeep>.Instance);

    JobStore Jobs => new(_db, NullLogger<JobStore>.Instance);

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
    public async Task A_job_that_may_not_start_lets_no_newcomer_go_before_those_who_wait()
    {
        await SubmitAsync(Carol, 2, request => request with { ConcurrencyKey = "web" });
        var bobs = await SubmitAsync(Bob, 6);
        await ClaimOneByOneAsync(4);

        var alices = await SubmitAsync(Alice, 3);

        Assert.Equal([bobs[3], alices[0], bobs[4], alices[1], bobs[5], alices[2]], await ClaimOneByOneAsync(6));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Queues_are_served_in_turn(bool atOnce)
    {
        await new QueueStore(_db).SetAsync(new Queue("other", null, Paused: false), Stop);
        var bobs = await SubmitAsync(Bob, 6);
        await ClaimOneByOneAsync(3);

        var alices = await SubmitAsync(Alice, 3, request => request with { Queue = "other" });

        if (atOnce)
            Assert.Equal([.. bobs[3..5], .. alices[..2]], (await ClaimAsync(4)).Order(ById));
        else
            Assert.Equal([alices[0], bobs[3], alices[1], bobs[4], alices[2], bobs[5]], await ClaimOneByOneAsync(6));
    }

    [Fact]
    public async Task A_pause_a_drain_and_a_lower_limit_are_answered_behind_the_claim_that_is_under_way()
    {
        await Leases.RenewAsync(new WorkerReport("worker", 1, null, "", "", false), [], Stop);
        await using var claiming = await _db.OpenConnectionAsync(Stop);
        await using var transaction = await claiming.BeginTransactionAsync(Stop);
        await claiming.Command(JobLeases.TakeTurn).ExecuteAsync(Stop);

        Task[] changes =
        [
            new QueueStore(_db).SetAsync(new Queue("default", null, Paused: true), Stop),
            new WorkerStore(_db).DrainAsync("worker", true, Stop),
            new ApiKeyStore(_db, TimeProvider.System).LimitAsync("nobody", 1, Stop),
        ];
        while (await _db.Command("select count(*) from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())").CountAsync(Stop) < changes.Length)
            continue;
        Assert.All(changes, change => Assert.False(change.IsCompleted));

        await transaction.CommitAsync(Stop);
        await Task.WhenAll(changes);
    }

    [Fact]
    public async Task A_job_whose_time_has_come_waits_for_what_every_other_job_waits_for()
    {
        var later = await SubmitAsync(Alice, 1, request => request with { NotBefore = TimeProvider.System.GetUtcNow().AddHours(1) });
        await ExecuteAsync("update jobs set ready_at = now()");

        var waiting = (await new JobWaits(_db).ExplainAsync(later[0], Stop))!;

        Assert.Equal((WaitingReason.NoWorker, null), (waiting.Reason, waiting.Position));
    }

    [Fact]
    public async Task A_job_waits_for_its_time_and_then_stands_in_line()
    {
        var later = await SubmitAsync(Alice, 1, request => request with { NotBefore = TimeProvider.System.GetUtcNow().AddHours(1) });
        Assert.Empty(await ClaimAsync(10));
        Assert.Equal(WaitingReason.NotBefore, (await new JobWaits(_db).ExplainAsync(later[0], Stop))!.Reason);

        await ExecuteAsync("update jobs set ready_at = now()");

        Assert.Equal(1, await Upkeep.AdmitDueAsync(Stop));
        Assert.Equal(later, await ClaimAsync(10));
    }

    [Fact]
    public async Task A_job_that_waits_for_its_time_does_not_count_as_one_that_waits_for_a_worker()
    {
        await SubmitAsync(Alice, 1, request => request with { NotBefore = TimeProvider.System.GetUtcNow().AddHours(1) });
        Assert.Equal((0, null), await QueuedAsync());
        Assert.Equal((1, null), await ListedAsync());

        await ExecuteAsync("update jobs set created_at = now() - interval '2 hours', ready_at = now() - interval '1 minute'");
        await Upkeep.AdmitDueAsync(Stop);

        var ready = await _db.Command("select ready_at from jobs").QueryAsync(row => row.GetFieldValue<DateTimeOffset>(0), Stop);
        Assert.Equal((1, ready[0]), await QueuedAsync());
        Assert.Equal((1, ready[0]), await ListedAsync());
        Assert.InRange(Assert.Single(await Leases.ClaimAsync("worker", null, 1, Stop)).Waited, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10));

        async Task<(long, DateTimeOffset?)> QueuedAsync()
        {
            var queue = Assert.Single((await Jobs.StatsAsync(Stop)).Queues);
            return (queue.Jobs, queue.OldestAt);
        }

        async Task<(long, DateTimeOffset?)> ListedAsync()
        {
            var queue = Assert.Single(await new QueueStore(_db).ListAsync(Stop));
            return (queue.Waiting, queue.OldestWaitingAt);
        }
    }

    [Fact]
    public async Task A_row_that_cannot_be_read_costs_no_other_job_anything()
    {
        var ids = await SubmitAsync(Alice, 5, request => request with { CallbackUrl = "http://127.0.0.1:9/" });
        await UnreadableAsync(ids[1]);
        await UnreadableAsync(ids[3]);

        var first = await Jobs.ListAsync(new JobFilter(null, null, 2), Stop);
        var second = await Jobs.ListAsync(new JobFilter(null, first.Last, 2), Stop);
        var third = await Jobs.ListAsync(new JobFilter(null, second.Last, 2), Stop);
        Assert.Equal([ids[4], ids[2], ids[0]], new[] { first, second, third }.SelectMany(page => page.Jobs).Select(job => job.Id));
        Assert.Null(third.Last);

        Assert.Equal([ids[0]], await ClaimAsync(2));
        await ExecuteAsync("update jobs set lease_expires_at = now() - interval '1 second' where status = 'running'; update jobs set expires_at = now() where status = 'queued'");
        Assert.Equal(ids[0], Assert.Single(await Upkeep.SettleLostAsync(Stop)).Id);
        Assert.Equal([ids[2], ids[4]], (await Upkeep.ExpireAsync(Stop)).Select(job => job.Id).Order(ById));

        var due = await new DeliveryStore(_db, NullLogger<DeliveryStore>.Instance).ClaimAsync(10, [], TimeSpan.FromMinutes(1), Stop);
        Assert.Equal([ids[0], ids[2], ids[4]], due.Claimed.Select(delivery => delivery.Job.Id).Order(ById));

        Task UnreadableAsync(JobId id) => _db.Command("update jobs set request = '{\"source\": {\"type\": \"of_a_later_version\"}}' where id = $1", id.Value).ExecuteAsync(Stop);
    }

    [Fact]
    public async Task A_worker_that_fell_silent_is_listed_for_a_day()
    {
        foreach (var worker in new[] { "silent", "gone" })
            await Leases.RenewAsync(new WorkerReport(worker, 1, null, "", "", false), [], Stop);
        await ExecuteAsync("update workers set heartbeat_at = now() - case id when 'gone' then interval '25 hours' else interval '23 hours' end");

        var listed = Assert.Single(await new WorkerStore(_db).ListAsync(Stop));

        Assert.Equal(("silent", false), (listed.Id, listed.Active));
    }

    [Fact]
    public async Task A_job_that_did_not_start_in_time_fails_as_expired()
    {
        var id = (await SubmitAsync(Alice, 1, request => request with { ExpiresAt = TimeProvider.System.GetUtcNow().AddHours(1) }))[0];
        Assert.Empty(await Upkeep.ExpireAsync(Stop));

        await ExecuteAsync("update jobs set expires_at = now()");

        Assert.Empty(await ClaimAsync(10));
        var expired = Assert.Single(await Upkeep.ExpireAsync(Stop));
        Assert.Equal((id, JobStatus.Failed, JobOutcome.Expired), (expired.Id, expired.Status, expired.Outcome));
    }

    [Fact]
    public async Task The_reason_for_a_wait_is_told_with_the_jobs_that_hold_it_up()
    {
        await Leases.RenewAsync(new WorkerReport("worker", 1, null, "", "", false), [], Stop);
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

        var found = await Leases.UnansweredAsync("worker", [new JobLease(ids[0], 1)], Stop);

        Assert.Equal(ids[1], Assert.Single(found).Job.Id);
    }

    [Theory]
    [InlineData("update jobs set status = 'success', outcome = 'success', finished_at = now(), turn = null")]
    [InlineData("update jobs set status = 'failed', outcome = 'tasks_failed', finished_at = now(), turn = null")]
    [InlineData("update jobs set status = 'cancelled', outcome = 'success', finished_at = now(), turn = null")]
    [InlineData("update jobs set status = 'failed', outcome = 'expired', finished_at = now(), turn = null")]
    [InlineData("update jobs set status = 'running', attempt = 1, lease_expires_at = now(), turn = null")]
    [InlineData("delete from jobs")]
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
        (await Leases.ClaimAsync(worker, queues, count, Stop)).ConvertAll(claimed => claimed.Job.Id);

    async Task<List<JobId>> ClaimOneByOneAsync(int count)
    {
        var ids = new List<JobId>();
        for (var i = 0; i < count; i++)
            ids.AddRange(await ClaimAsync(1));
        return ids;
    }

    async Task FinishAsync(JobId id) => Assert.Equal(Settled.Final,
        await new JobResults(_db).FinishAsync("worker", new JobLease(id, 1), new JobResult(JobOutcome.Success), JobOutputBatch.Empty));

    async Task ExecuteAsync(string sql)
    {
        await using var command = _db.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Stop);
    }
}
