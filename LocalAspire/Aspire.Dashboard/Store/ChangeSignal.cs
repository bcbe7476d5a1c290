namespace Aspire.Dashboard.Store;

/// <summary>Counts changes and wakes who waits for the next.</summary>
sealed class ChangeSignal
{
    long _version;
    TaskCompletionSource? _next;

    public long Version => Volatile.Read(ref _version);

    /// <summary>Completes at the next change. Ask for it before reading what may change.</summary>
    public Task Next
    {
        get
        {
            var fresh = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return (Interlocked.CompareExchange(ref _next, fresh, null) ?? fresh).Task;
        }
    }

    public void Raise()
    {
        Interlocked.Increment(ref _version);
        Interlocked.Exchange(ref _next, null)?.SetResult();
    }
}
