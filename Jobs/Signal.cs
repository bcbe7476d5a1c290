namespace AspireJobs.Jobs;

/// <summary>Something happened since the last look: any number of <see cref="Set"/> wake one waiter once. For one waiter at a time.</summary>
public sealed class Signal(TimeProvider time) : IDisposable
{
    readonly SemaphoreSlim _semaphore = new(0, 1);

    /// <summary>Wakes the waiter, or lets its next wait return at once.</summary>
    public void Set()
    {
        try
        {
            // Most find it set already: asking costs less than catching what Release throws then.
            lock (_semaphore)
                if (_semaphore.CurrentCount == 0)
                    _semaphore.Release();
        }
        catch (ObjectDisposedException)
        {
            // A late signal for a waiter that has gone.
        }
    }

    /// <summary>Waits for <see cref="Set"/>, at most for <paramref name="longest"/>. True if it was set.</summary>
    public async Task<bool> WaitAsync(TimeSpan longest, CancellationToken cancellationToken)
    {
        if (longest == Timeout.InfiniteTimeSpan)
        {
            await _semaphore.WaitAsync(cancellationToken);
            return true;
        }
        using var timeout = new CancellationTokenSource(longest, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await _semaphore.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _semaphore.Dispose();
}
