using System.Diagnostics;
using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>
/// Lets calls that arrive together share one round trip and one commit: while a batch is under way, later calls gather for the next.
/// A lone call is run at once, so it waits for nobody.
/// </summary>
/// <param name="run">Does a batch and returns a result for each item, in order.</param>
/// <param name="largest">Most items in a batch.</param>
sealed class Batcher<TItem, TResult>(Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> run, int largest)
{
    readonly Lock _lock = new();
    readonly Queue<Entry> _waiting = new();
    bool _running;

    public Task<TResult> RunAsync(TItem item)
    {
        var entry = new Entry(item, Activity.Current, new TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_lock)
        {
            _waiting.Enqueue(entry);
            if (_running)
                return entry.Result.Task;
            _running = true;
        }
        _ = RunAllAsync();
        return entry.Result.Task;
    }

    async Task RunAllAsync()
    {
        // Behind whatever is about to call, too.
        await Task.Yield();
        while (TakeBatch() is { Length: > 0 } batch)
        {
            // The spans of the round trip can have one parent only; the others have their own span around the wait.
            Activity.Current = batch[0].Span;
            await SettleAsync(batch);
        }
    }

    Entry[] TakeBatch()
    {
        lock (_lock)
        {
            var batch = new Entry[Math.Min(_waiting.Count, largest)];
            for (var i = 0; i < batch.Length; i++)
                batch[i] = _waiting.Dequeue();
            _running = batch.Length > 0;
            return batch;
        }
    }

    async Task SettleAsync(Entry[] batch)
    {
        try
        {
            var results = await run(Array.ConvertAll(batch, entry => entry.Item));
            for (var i = 0; i < batch.Length; i++)
                batch[i].Result.SetResult(results[i]);
        }
        catch (PostgresException) when (batch.Length > 1)
        {
            // Refused, so nothing of it was committed. One bad item must not fail the others.
            foreach (var entry in batch)
                await SettleAsync([entry]);
        }
        catch (Exception e)
        {
            foreach (var entry in batch)
                entry.Result.SetException(e);
        }
    }

    sealed record Entry(TItem Item, Activity? Span, TaskCompletionSource<TResult> Result);
}
