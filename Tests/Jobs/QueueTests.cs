using AspireJobs.Jobs;
using AspireJobs.Tests.Infrastructure;
using StackExchange.Redis;

namespace AspireJobs.Tests.Jobs;

/// <summary>The queue in Redis.</summary>
public sealed class QueueTests(Stores stores)
{
    [Fact]
    public async Task Jobs_come_out_oldest_first_with_their_trace_and_only_once()
    {
        await using var store = await stores.LeaseAsync();
        await using var redis = await ConnectAsync(store);
        var queue = new JobQueue(redis.Multiplexer);
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
        await using var store = await stores.LeaseAsync();
        await using var redis = await ConnectAsync(store);
        using var signal = new Signal(TimeProvider.System);
        await using var subscription = await new JobSignals(redis.Multiplexer).OnEnqueuedAsync(signal.Set);

        await new JobQueue(redis.Multiplexer).EnqueueAsync(JobId.Create(TimeProvider.System));

        Assert.True(await signal.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    static async Task<Connection> ConnectAsync(StoreLease store)
    {
        var options = ConfigurationOptions.Parse(store.Redis);
        var multiplexer = await ConnectionMultiplexer.ConnectAsync(options);
        multiplexer.PreserveAsyncOrder = false;
        await Task.Yield();
        await multiplexer.GetDatabase().KeyDeleteAsync(["jobs:queue:default", "jobs:queue:default:contexts"]);
        return new Connection(multiplexer);
    }

    sealed record Connection(IConnectionMultiplexer Multiplexer) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            Multiplexer.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
