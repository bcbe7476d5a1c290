using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;

namespace AspireJobs.Tests.Jobs;

/// <summary>Who may write to a job, decided by Postgres.</summary>
public sealed class LeaseTests(Stores stores) : JobDatabase(stores)
{
    static readonly JobOutputBatch Output = new([new OutputEvent(1, DateTimeOffset.UnixEpoch, "playbook_on_start", "{}")], 1, "text");

    [Fact]
    public async Task Of_many_workers_that_claim_a_job_exactly_one_gets_it()
    {
        var id = await CreateAsync();

        var claims = await Task.WhenAll(Enumerable.Range(0, 10).Select(worker => ClaimAsync($"worker-{worker}")));

        Assert.Single(claims.SelectMany(claim => claim));
        Assert.Equal(1, (await Jobs.FindAsync(id, Stop))!.Attempt);
    }

    [Fact]
    public async Task Leaders_that_follow_one_another_lead_without_a_pause_unless_the_database_was_away()
    {
        var leadership = new Leadership(Db);
        Assert.True(await leadership.LeadAsync("one", Stop));
        Assert.InRange(await LedAsync(), TimeSpan.Zero, TimeSpan.FromMinutes(1));
        await ExecuteAsync("update leader set led_since = now() - interval '1 hour'");

        Assert.False(await leadership.LeadAsync("two", Stop));
        await leadership.ResignAsync("one", Stop);
        Assert.True(await leadership.LeadAsync("two", Stop));
        Assert.InRange(await LedAsync(), TimeSpan.FromHours(1), TimeSpan.FromHours(2));

        await ExecuteAsync("update leader set expires_at = now() - interval '5 seconds'");
        Assert.True(await leadership.LeadAsync("one", Stop));
        Assert.InRange(await LedAsync(), TimeSpan.FromHours(1), TimeSpan.FromHours(2));
        await ExecuteAsync("update leader set expires_at = now() - interval '7 seconds'");
        Assert.True(await leadership.LeadAsync("two", Stop));
        Assert.InRange(await LedAsync(), TimeSpan.Zero, TimeSpan.FromMinutes(1));

        async Task<TimeSpan> LedAsync() => (await Db.Command("select now() - led_since from leader").QueryAsync(row => row.GetTimeSpan(0), Stop)).Single();
    }

    [Theory]
    [InlineData("update leader set led_since = now() - interval '4 seconds'")]
    [InlineData("update leader set expires_at = now()")]
    [InlineData("delete from leader")]
    public async Task No_job_is_taken_for_lost_unless_workers_have_led_for_a_while(string notLong)
    {
        await CreateAsync();
        await ClaimAsync("sleeper");
        await ExecuteAsync("update jobs set lease_expires_at = now() - interval '1 second'");
        await LeadForLongAsync();
        await ExecuteAsync(notLong);

        Assert.Empty(await Upkeep.SettleLostAsync(Stop));

        await LeadForLongAsync();
        Assert.Single(await Upkeep.SettleLostAsync(Stop));
    }

    [Fact]
    public async Task What_was_handed_back_before_its_playbook_began_is_no_try()
    {
        var id = await CreateAsync(onWorkerLost: OnWorkerLost.Retry);
        for (var attempt = 1; attempt <= 4; attempt++)
        {
            var claimed = Assert.Single(await ClaimAsync("full"));
            Assert.Equal(1, claimed.Try);
            // The wait begins anew: before, it ran.
            Assert.True(attempt == 1 || claimed.Waited < claimed.Job.StartedAt - claimed.Job.CreatedAt);
            var handedBack = new JobResult(JobOutcome.WorkerLost) { Next = NextAttempt.AtOnce };
            Assert.Equal(Settled.Queued, await Results.FinishAsync("full", new JobLease(id, attempt), handedBack, JobOutputBatch.Empty));
        }
        await ClaimAsync("doomed");
        await ExecuteAsync("update jobs set lease_expires_at = now() - interval '1 second'");
        await LeadForLongAsync();

        var settled = Assert.Single(await Upkeep.SettleLostAsync(Stop));

        Assert.Equal((JobStatus.Queued, 5), (settled.Status, settled.Attempt));
    }

    [Theory]
    [InlineData(NextAttempt.None)]
    [InlineData(NextAttempt.AtOnce)]
    public async Task A_job_that_its_worker_gives_up_after_somebody_cancelled_it_is_cancelled(NextAttempt next)
    {
        var id = await CreateAsync();
        await ClaimAsync("stopping");
        await Jobs.CancelAsync(id, Stop);

        var result = new JobResult(JobOutcome.WorkerLost) { Failure = new("worker_lost", "stopped, as worker stopping was shut down"), Next = next };
        Assert.Equal(Settled.Cancelled, await Results.FinishAsync("stopping", new JobLease(id, 1), result, JobOutputBatch.Empty));

        var job = (await Jobs.FindAsync(id, Stop))!;
        Assert.Equal((JobStatus.Cancelled, JobOutcome.Cancelled, new JobFailure("cancelled", "cancelled while it ran")), (job.Status, job.Outcome, job.Failure));
    }

    [Fact]
    public async Task Only_the_worker_and_attempt_that_hold_the_lease_can_write()
    {
        var id = await CreateAsync();
        await ClaimAsync("holder");
        var lease = new JobLease(id, 1);

        Assert.False(await Results.AppendAsync("other", lease, Output, Stop));
        Assert.False(await Results.AppendAsync("holder", lease with { Attempt = 2 }, Output, Stop));
        Assert.Equal(Settled.LeaseLost, await Results.FinishAsync("other", lease, new JobResult(JobOutcome.Success), Output));
        Assert.True(await Results.AppendAsync("holder", lease, Output, Stop));
        Assert.Equal("text", Assert.Single(await new JobOutput(Db).LogAsync(id, null, 0, 10, Stop)).Text);
    }

    [Fact]
    public async Task A_worker_that_slept_through_its_lease_finds_the_job_settled_and_writes_nothing()
    {
        var id = await CreateAsync();
        await ClaimAsync("sleeper");
        await ExecuteAsync("update jobs set lease_expires_at = now() - interval '1 second'");
        await LeadForLongAsync();

        var settled = Assert.Single(await Upkeep.SettleLostAsync(Stop));
        var renewed = await RenewAsync("sleeper", new JobLease(id, 1));

        Assert.Equal((JobStatus.Failed, JobOutcome.WorkerLost), (settled.Status, settled.Outcome));
        Assert.Contains("sleeper", settled.Failure!.Message);
        Assert.Empty(renewed);
        Assert.Equal(Settled.LeaseLost, await Results.FinishAsync("sleeper", new JobLease(id, 1), new JobResult(JobOutcome.Success), Output));
        Assert.Equal(JobOutcome.WorkerLost, (await Jobs.FindAsync(id, Stop))!.Outcome);
        Assert.Empty(await new JobOutput(Db).EventsAsync(id, null, 0, 10, Stop));
    }

    [Fact]
    public async Task A_job_whose_worker_is_lost_after_somebody_cancelled_it_is_cancelled()
    {
        var id = await CreateAsync();
        await ClaimAsync("sleeper");
        await Jobs.CancelAsync(id, Stop);
        await ExecuteAsync("update jobs set lease_expires_at = now() - interval '1 second'");
        await LeadForLongAsync();

        var settled = Assert.Single(await Upkeep.SettleLostAsync(Stop));

        Assert.Equal((JobStatus.Cancelled, JobOutcome.Cancelled, "cancelled"), (settled.Status, settled.Outcome, settled.Failure!.ErrorType));
        Assert.Contains("sleeper was not heard of", settled.Failure.Message);
    }

    [Fact]
    public async Task What_ran_is_told_of_each_attempt_and_not_of_the_one_before()
    {
        var id = await CreateAsync();
        await ClaimAsync("first");
        var ran = new JobResult(JobOutcome.HostsUnreachable) { Revision = "a1", Provenance = new("2.14", "digest", null), Next = NextAttempt.AtOnce };
        Assert.Equal(Settled.Queued, await Results.FinishAsync("first", new JobLease(id, 1), ran, Output));
        Assert.Equal("a1", (await Jobs.FindAsync(id, Stop))!.Revision);

        await ClaimAsync("second");

        var running = (await Jobs.FindAsync(id, Stop))!;
        Assert.Equal((2, null, null), (running.Attempt, running.Revision, running.Provenance));
        await Results.FinishAsync("second", new JobLease(id, 2), new JobResult(JobOutcome.SourceFetchFailed), JobOutputBatch.Empty);
        Assert.Equal(["a1", null], (await Jobs.AttemptsAsync(id, Stop)).Select(attempt => attempt.Revision));
    }

    [Fact]
    public async Task What_ran_is_known_also_of_an_attempt_whose_worker_died()
    {
        var id = await CreateAsync(onWorkerLost: OnWorkerLost.Retry);
        await ClaimAsync("doomed");
        var ran = new JobProvenance("2.14", "digest", "inventory");
        Assert.True(await Results.AppendAsync("doomed", new JobLease(id, 1), Output with { Revision = "a1", Provenance = ran }, Stop));
        Assert.True(await Results.AppendAsync("doomed", new JobLease(id, 1), JobOutputBatch.Empty, Stop));
        var running = (await Jobs.FindAsync(id, Stop))!;
        Assert.Equal(("a1", ran), (running.Revision, running.Provenance));
        await ExecuteAsync("update jobs set lease_expires_at = now() - interval '1 second'");
        await LeadForLongAsync();

        var settled = Assert.Single(await Upkeep.SettleLostAsync(Stop));

        Assert.Equal((JobStatus.Queued, "a1", ran), (settled.Status, settled.Revision, settled.Provenance));
        Assert.Equal("a1", Assert.Single(await Jobs.AttemptsAsync(id, Stop)).Revision);
    }

    [Fact]
    public async Task A_renewed_lease_is_not_settled_and_says_when_a_stop_was_asked_for()
    {
        var id = await CreateAsync();
        await ClaimAsync("holder");
        await ExecuteAsync("update jobs set lease_expires_at = now() - interval '1 second'");
        await LeadForLongAsync();

        Assert.False(Assert.Single(await RenewAsync("holder", new JobLease(id, 1))).Value);
        Assert.Empty(await Upkeep.SettleLostAsync(Stop));

        await Jobs.CancelAsync(id, Stop);
        Assert.True(Assert.Single(await RenewAsync("holder", new JobLease(id, 1))).Value);
    }

    [Fact]
    public async Task The_final_state_its_last_events_and_the_owed_callback_appear_together()
    {
        var id = await CreateAsync("https://example.com/hook");
        await ClaimAsync("holder");
        Assert.Equal(0, await CountDeliveriesAsync());

        await Results.FinishAsync("holder", new JobLease(id, 1), new JobResult(JobOutcome.Success), Output);

        Assert.Single(await new JobOutput(Db).EventsAsync(id, null, 0, 10, Stop));
        Assert.Equal(1, await CountDeliveriesAsync());
    }

    [Fact]
    public async Task A_final_state_cannot_be_left_even_by_hand()
    {
        var id = await CreateAsync();
        await Jobs.CancelAsync(id, Stop);

        await AssertRefusedAsync("update jobs set status = 'queued', outcome = null, finished_at = null");
    }

    [Fact]
    public async Task Migrating_twice_at_once_applies_each_file_once()
    {
        await ExecuteAsync("drop schema public cascade; create schema public");

        var applied = await Task.WhenAll(SchemaMigrator.ApplyAsync(Db, Stop), SchemaMigrator.ApplyAsync(Db, Stop));

        Assert.Equal(Resources.Names("Schema"), applied.SelectMany(names => names));
    }

    async Task<JobId> CreateAsync(string? callbackUrl = null, OnWorkerLost? onWorkerLost = null)
    {
        var request = new JobRequest { Source = new JobSource { Type = SourceType.Inline, Content = "x" }, CallbackUrl = callbackUrl, OnWorkerLost = onWorkerLost };
        await using var connection = await Db.OpenConnectionAsync(Stop);
        return (await JobIntake.StoreAsync(connection, new NewJob(JobId.Create(TimeProvider.System), request, Guid.NewGuid(), "test", null, null))).Job.Id;
    }

    async Task<List<ClaimedJob>> ClaimAsync(string worker) =>
        (await Leases.ClaimAsync(worker, null, 1, Stop)).Jobs;

    async Task<IReadOnlyDictionary<JobLease, bool>> RenewAsync(string worker, params JobLease[] held) =>
        (await Leases.RenewAsync(new WorkerReport(worker, 1, null, "", "", false), held, Stop)).Held;

    async Task<long> CountDeliveriesAsync()
    {
        await using var command = Db.CreateCommand("select count(*) from webhook_deliveries where status = 'pending'");
        return (long)(await command.ExecuteScalarAsync(Stop))!;
    }
}
