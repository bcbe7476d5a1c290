namespace AspireJobs.Webhooks;

/// <summary>
/// Counts the attempts under way, in all and per receiver. A receiver is busy at a quarter of all: one that is slow, with
/// many messages due, cannot take the places of all others.
/// </summary>
sealed class SendSlots(int total)
{
    readonly Lock _lock = new();
    readonly Dictionary<string, int> _taken = [];
    int _free = total;

    /// <summary>Attempts under way at which a receiver counts as busy, and most that one claim may take: so one receiver gets fewer than twice as many.</summary>
    public int PerReceiver { get; } = Math.Max(1, total / 4);

    public int Free
    {
        get
        {
            lock (_lock)
                return _free;
        }
    }

    public bool AllFree
    {
        get
        {
            lock (_lock)
                return _taken.Count == 0;
        }
    }

    public IReadOnlyCollection<string> BusyReceivers
    {
        get
        {
            lock (_lock)
                return [.. _taken.Where(receiver => receiver.Value >= PerReceiver).Select(receiver => receiver.Key)];
        }
    }

    public void Take(string receiver)
    {
        lock (_lock)
        {
            _free--;
            _taken[receiver] = _taken.GetValueOrDefault(receiver) + 1;
        }
    }

    public void Release(string receiver)
    {
        lock (_lock)
        {
            _free++;
            if (--_taken[receiver] == 0)
                _taken.Remove(receiver);
        }
    }
}
