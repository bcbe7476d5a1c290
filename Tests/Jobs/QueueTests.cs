using System.Diagnostics;
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
        var redis = system.ApiServices.GetRequiredService<IConnectionMultiplexer>().GetDatabase();
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
        var redis = system.ApiServices.GetRequiredService<IConnectionMultiplexer>().GetDatabase();
        using var enqueued = new Signal(TimeProvider.System);
        await using var subscription = await system.ApiServices.GetRequiredService<JobSignals>().OnReadyAsync(enqueued.Set);
        var id = await system.SubmitAsync(new { source = JobSystem.ShortSource });
        Assert.True(await enqueued.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        Assert.True(await redis.KeyExistsAsync($"jobs:queued:{id}"));

        system.AddWorker();
        await system.WaitAsync(id);

        Assert.False(await redis.KeyExistsAsync($"jobs:queued:{id}"));
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
}
