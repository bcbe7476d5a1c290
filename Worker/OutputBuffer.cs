using System.Text;
using AspireJobs.Jobs;

namespace AspireJobs.Worker;

/// <summary>
/// Output that is not stored yet, in order. It is bounded: when the database is slow or away, whoever writes waits, and through the pipe
/// so does the playbook.
/// </summary>
/// <param name="lastLogSeq">Number of the last piece of log that is stored already.</param>
/// <param name="time">The clock.</param>
internal sealed class OutputBuffer(int lastLogSeq, TimeProvider time) : IDisposable
{
    /// <summary>As many characters are worth a round trip of their own.</summary>
    const int Full = 64 * 1024;

    /// <summary>Beyond as many characters writers wait.</summary>
    const int Limit = 1024 * 1024;

    // What an event takes in the row besides its data; also keeps the number of tiny events in a batch small.
    const int EventOverhead = 64;

    readonly Lock _lock = new();
    readonly Signal _some = new(time);
    readonly Signal _full = new(time);
    readonly StringBuilder _log = new();
    List<OutputEvent> _events = [];
    TaskCompletionSource _room = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int _size;
    int _logSeq = lastLogSeq;
    bool _discarding;
    volatile bool _closed;

    /// <summary>Adds log text.</summary>
    public ValueTask AddAsync(string text, CancellationToken cancellationToken)
    {
        var storable = Storable(text);
        return AddAsync(storable.Length, () => _log.Append(storable), cancellationToken);
    }

    /// <summary>Adds an event.</summary>
    public ValueTask AddAsync(OutputEvent item, CancellationToken cancellationToken) =>
        AddAsync(item.Data.Length + EventOverhead, () => _events.Add(item), cancellationToken);

    async ValueTask AddAsync(int size, Action add, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task room;
            lock (_lock)
            {
                if (_discarding)
                    return;
                if (_size < Limit)
                {
                    add();
                    _size += size;
                    _some.Set();
                    if (_size >= Full)
                        _full.Set();
                    return;
                }
                room = _room.Task;
            }
            await room.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Waits until there is something, and then a little for more. False: closed.</summary>
    public async Task<bool> GatherAsync(TimeSpan little)
    {
        await _some.WaitAsync(Timeout.InfiniteTimeSpan, CancellationToken.None);
        if (!_closed)
            await _full.WaitAsync(little, CancellationToken.None);
        return !_closed;
    }

    /// <summary>Nothing more is gathered; what was added and not taken stays for <see cref="Take"/>.</summary>
    public void Close()
    {
        _closed = true;
        _some.Set();
        _full.Set();
    }

    /// <summary>Takes out everything.</summary>
    public JobOutputBatch Take()
    {
        lock (_lock)
        {
            var batch = new JobOutputBatch(_events, _log.Length > 0 ? ++_logSeq : _logSeq, _log.ToString());
            _events = [];
            _log.Clear();
            _size = 0;
            _room.SetResult();
            _room = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return batch;
        }
    }

    /// <summary>From here on nothing is kept and nobody waits.</summary>
    public void Discard()
    {
        lock (_lock)
            _discarding = true;
        Take();
    }

    // Postgres has no text with U+0000, and half a surrogate pair has no UTF-8.
    static string Storable(string text)
    {
        if (text.Contains('\0'))
            text = text.Replace('\0', '\uFFFD');
        return text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) : text;
    }

    public void Dispose()
    {
        _some.Dispose();
        _full.Dispose();
    }
}
