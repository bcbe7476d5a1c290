using AspireJobs.Jobs;
using AspireJobs.Jobs.Webhooks;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.Logging.Abstractions;

namespace AspireJobs.Tests.Jobs;

/// <summary>What is told of jobs that wait, and what time does to them.</summary>
public sealed class WaitingTests(Stores stores) : JobLine(stores)
{
    [Fact]
    public async Task A_job_whose_time_has_come_waits_for_what_every_other_job_waits_for()
    {
        var later = await SubmitAsync(Alice, 1, request => request with { NotBefore = TimeProvider.System.GetUtcNow().AddHours(1) });
        await ExecuteAsync("update jobs set ready_at = now()");

        var waiting = (await new JobWaits(Db).ExplainAsync(later[0], Stop))!;

        Assert.Equal((WaitingReason.NoWorker, null), (waiting.Reason, waiting.Position));
    }

    [Fact]
    public async Task A_job_waits_for_its_time_and_then_stands_in_line()
    {
        var later = await SubmitAsync(Alice, 1, request => request with { NotBefore = TimeProvider.System.GetUtcNow().AddHours(1) });
        Assert.Empty(await ClaimAsync(10));
        Assert.Equal(WaitingReason.NotBefore, (await new JobWaits(Db).ExplainAsync(later[0], Stop))!.Reason);

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

        var ready = await Db.Command("select ready_at from jobs").QueryAsync(row => row.GetFieldValue<DateTimeOffset>(0), Stop);
        Assert.Equal((1, ready[0]), await QueuedAsync());
        Assert.Equal((1, ready[0]), await ListedAsync());
        Assert.InRange(Assert.Single((await Leases.ClaimAsync("worker", null, 1, Stop)).Jobs).Waited, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10));

        async Task<(long, DateTimeOffset?)> QueuedAsync()
        {
            var queue = Assert.Single((await Jobs.StatsAsync(Stop)).Queues);
            return (queue.Jobs, queue.OldestAt);
        }

        async Task<(long, DateTimeOffset?)> ListedAsync()
        {
            var queue = Assert.Single(await new QueueStore(Db).ListAsync(Stop));
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
        await LeadForLongAsync();
        Assert.Equal(ids[0], Assert.Single(await Upkeep.SettleLostAsync(Stop)).Id);
        Assert.Equal([ids[2], ids[4]], (await Upkeep.ExpireAsync(Stop)).Select(job => job.Id).Order(ById));

        var due = await new DeliveryStore(Db, NullLogger<DeliveryStore>.Instance).ClaimAsync(10, [], TimeSpan.FromMinutes(1), Stop);
        Assert.Equal([ids[0], ids[2], ids[4]], due.Claimed.Select(delivery => delivery.Job.Id).Order(ById));

        Task UnreadableAsync(JobId id) => Db.Command("update jobs set request = '{\"source\": {\"type\": \"of_a_later_version\"}}' where id = $1", id.Value).ExecuteAsync(Stop);
    }

    [Fact]
    public async Task A_worker_that_fell_silent_is_listed_for_a_day()
    {
        foreach (var worker in new[] { "silent", "gone" })
            await Leases.RenewAsync(new WorkerReport(worker, 1, null, "", "", false), [], Stop);
        await ExecuteAsync("update workers set heartbeat_at = now() - case id when 'gone' then interval '25 hours' else interval '23 hours' end");

        var listed = Assert.Single(await new WorkerStore(Db).ListAsync(Stop));

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

        var waiting = (await new JobWaits(Db).ExplainAsync(keyed[2], Stop))!;

        Assert.Equal((WaitingReason.ConcurrencyKey, 2), (waiting.Reason, waiting.Position));
        Assert.Equal([keyed[0]], waiting.HeldBy);
        Assert.Null(await new JobWaits(Db).ExplainAsync(keyed[0], Stop));
    }
}
