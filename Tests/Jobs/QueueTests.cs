using System.Diagnostics;
using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace AspireJobs.Tests.Jobs;

/// <summary>The queue in Redis.</summary>
public sealed class QueueTests(Stores stores)
{
    [Fact]
    public async Task An_entry_gives_its_trace_once()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var queue = system.ApiServices.GetRequiredService<JobQueue>();
        var (traced, unknown) = (JobId.Create(TimeProvider.System), JobId.Create(TimeProvider.System));
        using var span = new Activity("test") { ActivityTraceFlags = ActivityTraceFlags.Recorded }.Start();
        await queue.EnqueueAsync([new QueueEntry(traced, QueueStore.Default, span.Context)]);

        var taken = await queue.TakeAsync([unknown, traced]);

        Assert.Contains(span.TraceId.ToHexString(), Assert.Single(taken).Value);
        Assert.Empty(await queue.TakeAsync([traced]));
    }

    [Fact]
    public async Task A_push_wakes_whoever_waits()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        using var signal = new Signal(TimeProvider.System);
        await using var subscription = await system.ApiServices.GetRequiredService<JobSignals>().OnReadyAsync(signal.Set);

        await system.ApiServices.GetRequiredService<JobQueue>().EnqueueAsync([new QueueEntry(JobId.Create(TimeProvider.System), QueueStore.Default, default)]);

        Assert.True(await signal.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }
}
