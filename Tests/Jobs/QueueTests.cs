using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace AspireJobs.Tests.Jobs;

/// <summary>The queue in Redis.</summary>
public sealed class QueueTests(Stores stores)
{
    [Fact]
    public async Task Jobs_come_out_oldest_first_with_their_trace_and_only_once()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        var queue = system.ApiServices.GetRequiredService<JobQueue>();
        var older = new QueueEntry(new JobId(Guid.CreateVersion7(DateTimeOffset.UnixEpoch.AddDays(1))), "00-trace-older");
        var newer = new QueueEntry(new JobId(Guid.CreateVersion7(DateTimeOffset.UnixEpoch.AddDays(2))), null);

        await queue.EnqueueAsync([newer, older]);
        Assert.Equal(0, await queue.EnqueueAsync([older with { TraceParent = "00-another" }]));

        Assert.Equal(2, await queue.LengthAsync());
        Assert.Equal([older], await queue.TakeAsync(1));
        Assert.Equal([newer], await queue.TakeAsync(10));
        Assert.Empty(await queue.TakeAsync(10));
    }

    [Fact]
    public async Task A_push_wakes_whoever_waits()
    {
        await using var system = await JobSystem.StartAsync(stores, worker: false, webhooks: false);
        using var signal = new Signal(TimeProvider.System);
        await using var subscription = await system.ApiServices.GetRequiredService<JobSignals>().OnEnqueuedAsync(signal.Set);

        await system.ApiServices.GetRequiredService<JobQueue>().EnqueueAsync(JobId.Create(TimeProvider.System));

        Assert.True(await signal.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }
}
