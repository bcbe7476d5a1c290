using System.Diagnostics;
using System.Net.Http.Json;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace AspireJobs.Tests.Jobs;

/// <summary>The queue in Redis.</summary>
public sealed class QueueTests(Stores stores)
{
    [Fact]
    public async Task An_entry_carries_the_trace_of_its_job_until_it_is_taken_out()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var queue = system.ApiServices.GetRequiredService<JobQueue>();
        var redis = Redis(system);
        using var submission = new Activity("test") { ActivityTraceFlags = ActivityTraceFlags.Recorded }.Start();
        var entry = JobQueue.Prepare(JobId.Create(TimeProvider.System), QueueStore.Default, submission.Context);

        await queue.EnqueueAsync([entry]);

        Assert.Same(submission, Activity.Current);
        Assert.Equal(entry.Span?.Id, await redis.StringGetAsync($"jobs:queued:{entry.Job}"));
        Assert.Equal(submission.TraceId, entry.Span?.TraceId);
        queue.Remove([entry.Job]);
        // Commands of one connection are done in their order.
        Assert.False(await redis.KeyExistsAsync($"jobs:queued:{entry.Job}"));
    }

    [Fact]
    public async Task A_worker_takes_out_the_entry_of_a_job_that_it_starts()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var (id, entry) = await EnqueueAsync(system, new { source = JobSystem.ShortSource });

        system.AddWorker();
        await system.WaitAsync(id);

        Assert.False(await Redis(system).KeyExistsAsync(entry));
    }

    [Fact]
    public async Task The_entry_of_a_job_that_is_cancelled_or_expires_before_it_starts_is_taken_out()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        await system.Client.PutAsJsonAsync("/api/v1/queues/held", new { paused = true });
        var (cancelled, ofCancelled) = await EnqueueAsync(system, new { source = JobSystem.ShortSource, queue = "held" });
        var (expiring, ofExpiring) = await EnqueueAsync(system, new { source = JobSystem.ShortSource, queue = "held", expires_at = TimeProvider.System.GetUtcNow().AddHours(1) });

        using var answer = await system.Client.PostAsync($"/api/v1/jobs/{cancelled}/cancel", null);
        await system.ExecuteAsync("update jobs set expires_at = now() where expires_at is not null");
        system.AddWorker();
        var (expired, _) = await system.WaitAsync(expiring);

        Assert.Equal(JobOutcome.Expired, expired.Outcome);
        Assert.False(await Redis(system).KeyExistsAsync(ofCancelled));
        // Nobody waits for the worker's command.
        await Poll.UntilAsync(async () => !await Redis(system).KeyExistsAsync(ofExpiring));
    }

    [Fact]
    public async Task A_push_wakes_whoever_waits()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        using var signal = new Signal(TimeProvider.System);
        await using var subscription = await system.ApiServices.GetRequiredService<JobSignals>().OnReadyAsync(signal.Set);

        await system.ApiServices.GetRequiredService<JobQueue>().EnqueueAsync([JobQueue.Prepare(JobId.Create(TimeProvider.System), QueueStore.Default, default)]);

        Assert.True(await signal.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    static IDatabase Redis(JobSystem system) => system.ApiServices.GetRequiredService<IConnectionMultiplexer>().GetDatabase();

    /// <summary>Submits a job and waits for its entry.</summary>
    static async Task<(JobId, RedisKey)> EnqueueAsync(JobSystem system, object request)
    {
        using var enqueued = new Signal(TimeProvider.System);
        await using var subscription = await system.ApiServices.GetRequiredService<JobSignals>().OnReadyAsync(enqueued.Set);
        var id = await system.SubmitAsync(request);
        Assert.True(await enqueued.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        RedisKey entry = $"jobs:queued:{id}";
        Assert.True(await Redis(system).KeyExistsAsync(entry));
        return (id, entry);
    }
}
