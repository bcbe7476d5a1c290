using AspireJobs.Jobs;
using AspireJobs.Jobs.ApiKeys;
using AspireJobs.Tests.Infrastructure;
using Npgsql;

namespace AspireJobs.Tests.Jobs;

/// <summary>Which jobs start, and in which order, decided by Postgres.</summary>
public sealed class ClaimTests(Stores stores) : JobLine(stores)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Jobs_of_one_caller_start_in_the_order_of_their_submission(bool limited)
    {
        await LimitAsync(limited);
        var ids = await SubmitAsync(Alice, 5);

        Assert.Equal(ids, await ClaimOneByOneAsync(5));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_claim_says_that_it_took_the_rest_where_no_limit_may_have_kept_others_waiting(bool limited)
    {
        await LimitAsync(limited);
        await SubmitAsync(Alice, 3);

        Assert.False((await Leases.ClaimAsync("worker", null, 2, Stop)).IsRest);
        Assert.Equal(!limited, (await Leases.ClaimAsync("worker", null, 2, Stop)).IsRest);
        Assert.False((await Leases.ClaimAsync("worker", null, 2, Stop)).IsRest);
    }

    [Fact]
    public async Task A_worker_that_is_frozen_while_it_claims_does_not_hold_up_the_others()
    {
        var ids = await SubmitAsync(Alice, 1);
        await using var frozen = Configured();
        await using var batch = frozen.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(JobLeases.TakeTurn));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select repeat('x', 1000000) from generate_series(1, 200)"));
        var reader = await batch.ExecuteReaderAsync(Stop);

        var claimed = Array.Empty<JobId>();
        while (claimed.Length == 0)
        {
            try
            {
                claimed = [.. await ClaimOneByOneAsync(1)];
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                // As a worker, which asks again.
            }
        }
        Assert.Equal(ids, claimed);

        await Assert.ThrowsAnyAsync<NpgsqlException>(async () =>
        {
            while (await reader.NextResultAsync(Stop))
                while (await reader.ReadAsync(Stop))
                    continue;
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_higher_priority_starts_first(bool limited)
    {
        await LimitAsync(limited);
        var normal = await SubmitAsync(Alice, 1);
        var low = await SubmitAsync(Alice, 1, request => request.Priority = 0);
        var high = await SubmitAsync(Alice, 1, request => request.Priority = 9);

        Assert.Equal([.. high, .. normal, .. low], await ClaimOneByOneAsync(3));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Callers_take_turns_however_many_jobs_one_of_them_has(bool limited)
    {
        await LimitAsync(limited);
        var alices = await SubmitAsync(Alice, 20);
        Assert.Equal(alices[..3], await ClaimOneByOneAsync(3));

        var bobs = await SubmitAsync(Bob, 3);

        Assert.Equal([alices[3], bobs[0], alices[4], bobs[1], alices[5], bobs[2], alices[6]], await ClaimOneByOneAsync(7));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_caller_with_one_job_at_a_time_does_not_hold_up_one_with_many(bool limited)
    {
        await LimitAsync(limited);
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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_paused_queue_gives_no_jobs_and_a_worker_takes_only_those_of_its_queues(bool limited)
    {
        await LimitAsync(limited);
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
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Queues_are_served_in_turn(bool atOnce, bool limited)
    {
        await LimitAsync(limited);
        await new QueueStore(Db).SetAsync(new Queue("other", null, Paused: false), Stop);
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
        await using var claiming = await Db.OpenConnectionAsync(Stop);
        await using var transaction = await claiming.BeginTransactionAsync(Stop);
        await claiming.Command(JobLeases.TakeTurn).ExecuteAsync(Stop);

        Task[] changes =
        [
            new QueueStore(Db).SetAsync(new Queue("default", null, Paused: true), Stop),
            new WorkerStore(Db).DrainAsync("worker", true, Stop),
            new ApiKeyStore(Db, TimeProvider.System).LimitAsync("nobody", 1, Stop),
        ];
        await WaitForTurnsAsync(changes.Length);
        Assert.All(changes, change => Assert.False(change.IsCompleted));

        await transaction.CommitAsync(Stop);
        await Task.WhenAll(changes);
    }

    [Fact]
    public async Task A_claim_that_waited_for_its_turn_starts_what_was_stored_meanwhile_and_not_what_has_expired()
    {
        await using var claiming = await Db.OpenConnectionAsync(Stop);
        await using var transaction = await claiming.BeginTransactionAsync(Stop);
        await claiming.Command(JobLeases.TakeTurn).ExecuteAsync(Stop);
        var claim = Leases.ClaimAsync("worker", null, 10, Stop);
        await WaitForTurnsAsync(1);

        var ids = await SubmitAsync(Alice, 2);
        await ExecuteAsync($"update jobs set expires_at = clock_timestamp() where id = '{ids[1].Value}'");
        await transaction.CommitAsync(Stop);

        var claimed = Assert.Single((await claim).Jobs);
        Assert.Equal(ids[0], claimed.Job.Id);
        Assert.True(claimed.Waited >= TimeSpan.Zero && claimed.Job.StartedAt >= claimed.Job.CreatedAt, $"{claimed}");
    }

    [Fact]
    public async Task A_claim_whose_turn_does_not_come_in_time_takes_nothing_and_leaves_its_time_to_the_next()
    {
        await using var claiming = await Db.OpenConnectionAsync(Stop);
        await using var transaction = await claiming.BeginTransactionAsync(Stop);
        await claiming.Command(JobLeases.TakeTurn).ExecuteAsync(Stop);
        var ids = await SubmitAsync(Alice, 1);

        var late = await Assert.ThrowsAsync<PostgresException>(() => Leases.ClaimAsync("worker", null, 1, Stop));
        await transaction.CommitAsync(Stop);

        Assert.Equal(PostgresErrorCodes.LockNotAvailable, late.SqlState);
        Assert.Empty(await Leases.UnansweredAsync("worker", [], Stop));
        Assert.Equal(ids, await ClaimOneByOneAsync(1));
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
    [InlineData("update jobs set status = 'cancelled', outcome = 'success', cancel_requested_at = now(), finished_at = now(), turn = null")]
    [InlineData("update jobs set status = 'failed', outcome = 'expired', finished_at = now(), turn = null")]
    [InlineData("update jobs set status = 'running', attempt = 1, lease_expires_at = now(), turn = null")]
    [InlineData("update jobs set status = 'failed', finished_at = now(), turn = null")]
    [InlineData("update jobs set status = 'done'")]
    [InlineData("update jobs set status = 'running', attempt = 1, worker_id = 'x', turn = null")]
    [InlineData("update jobs set status = 'running', attempt = 1, worker_id = 'x', lease_expires_at = now()")]
    [InlineData("update jobs set status = 'cancelled', outcome = 'cancelled', cancel_requested_at = now(), finished_at = now()")]
    [InlineData("update jobs set status = 'cancelled', outcome = 'cancelled', cancel_requested_at = now(), turn = null")]
    [InlineData("update jobs set status = 'cancelled', outcome = 'cancelled', cancel_requested_at = now(), finished_at = now(), turn = null, lease_expires_at = now()")]
    [InlineData("update jobs set status = 'cancelled', outcome = 'cancelled', finished_at = now(), turn = null")]
    [InlineData("update jobs set outcome = 'success'")]
    [InlineData("update jobs set finished_at = now()")]
    [InlineData("update jobs set lease_expires_at = now()")]
    [InlineData("update jobs set idempotency_key = 'x'")]
    [InlineData("delete from jobs")]
    [InlineData("update jobs set attempt = attempt + 1")]
    [InlineData("update jobs set status = 'running', lease_expires_at = now(), turn = null")]
    [InlineData("update jobs set status = 'running', attempt = 2, lease_expires_at = now(), turn = null")]
    [InlineData("insert into jobs (id, status, lease_expires_at, request, source_type, api_key_id, api_key_name) values (gen_random_uuid(), 'running', now(), '{}', 'inline', gen_random_uuid(), 'x')")]
    [InlineData("insert into jobs (id, outcome, request, source_type, api_key_id, api_key_name) values (gen_random_uuid(), 'success', '{}', 'inline', gen_random_uuid(), 'x')")]
    [InlineData("insert into jobs (id, request_digest, request, source_type, api_key_id, api_key_name) values (gen_random_uuid(), 'x', '{}', 'inline', gen_random_uuid(), 'x')")]
    public async Task A_move_that_the_states_do_not_know_is_refused_by_the_database(string sql)
    {
        await SubmitAsync(Alice, 1);

        await AssertRefusedAsync(sql);
    }

    [Theory]
    [InlineData("update jobs set status = 'failed', outcome = 'expired', expires_at = now(), finished_at = now(), lease_expires_at = null")]
    [InlineData("update jobs set status = 'cancelled', outcome = 'cancelled', finished_at = now(), lease_expires_at = null")]
    [InlineData("update jobs set worker_id = 'another'")]
    [InlineData("update jobs set attempt = attempt + 1")]
    public async Task A_running_job_makes_no_move_of_others_either(string sql)
    {
        await SubmitAsync(Alice, 1);
        await ClaimAsync(1);

        await AssertRefusedAsync(sql);
    }

    async Task WaitForTurnsAsync(int waiting)
    {
        while (await Db.Command("select count(*) from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())").CountAsync(Stop) < waiting)
            continue;
    }

    // A limit that nobody reaches: claims go by another statement where there is one.
    Task LimitAsync(bool limited) =>
        limited ? ExecuteAsync("insert into api_keys (id, name, key_hash, max_running) values (gen_random_uuid(), 'limited', sha256('limited'), 1)") : Task.CompletedTask;
}
