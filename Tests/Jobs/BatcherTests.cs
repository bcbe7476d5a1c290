using AspireJobs.Jobs;
using Npgsql;

namespace AspireJobs.Tests.Jobs;

public sealed class BatcherTests
{
    [Fact]
    public async Task Calls_that_arrive_while_a_batch_is_under_way_share_the_next_ones()
    {
        var sizes = new List<int>();
        var begun = new TaskCompletionSource();
        var gate = new TaskCompletionSource();
        var batcher = new Batcher<int, int>(async items =>
        {
            sizes.Add(items.Count);
            begun.TrySetResult();
            await gate.Task;
            return [.. items.Select(item => item * 2)];
        }, largest: 3);

        List<Task<int>> calls = [batcher.RunAsync(0)];
        await begun.Task;
        calls.AddRange(Enumerable.Range(1, 5).Select(batcher.RunAsync));
        gate.SetResult();
        var results = await Task.WhenAll(calls);

        Assert.Equal([0, 2, 4, 6, 8, 10], results);
        Assert.Equal([1, 3, 2], sizes);
    }

    [Fact]
    public async Task An_item_that_the_database_refuses_fails_alone()
    {
        var gate = new TaskCompletionSource();
        var batcher = new Batcher<int, int>(async items =>
        {
            await gate.Task;
            return items.Contains(2) ? throw new PostgresException("refused", "ERROR", "ERROR", "22023") : items;
        }, largest: 10);

        var calls = Enumerable.Range(0, 4).Select(batcher.RunAsync).ToList();
        gate.SetResult();

        await Assert.ThrowsAsync<PostgresException>(() => calls[2]);
        var others = await Task.WhenAll(calls[0], calls[1], calls[3]);
        Assert.Equal([0, 1, 3], others);
    }

    [Fact]
    public async Task An_outage_fails_the_batch_and_not_the_calls_after_it()
    {
        var isAway = true;
        var batcher = new Batcher<int, int>(items => isAway ? throw new NpgsqlException("away") : Task.FromResult(items), largest: 10);

        await Assert.ThrowsAsync<NpgsqlException>(() => batcher.RunAsync(1));
        isAway = false;

        Assert.Equal(2, await batcher.RunAsync(2));
    }
}
