using Aspire.Dashboard.Otlp;
using Google.Protobuf;

namespace Aspire.Dashboard.Store;

/// <summary>The newest log records.</summary>
sealed class LogStore(ResourceCatalog resources, TelemetryLimitOptions limits)
{
    readonly Lock _lock = new();
    readonly Queue<StoredLog> _logs = new();
    long _bytes, _sequence;

    public ChangeSignal Changes { get; } = new();

    public Feed<StoredLog> Arrivals { get; } = new();

    public IngestResult Add(LogsData data)
    {
        var result = new IngestResult();
        var logs = Decode(data, result);
        lock (_lock)
        {
            foreach (var log in logs)
                Add(log);
            while (_logs.Count > limits.MaxLogCount || _bytes > limits.MaxBytes)
                Forget(_logs.Dequeue());
        }
        if (logs.Count > 0)
            Changes.Raise();
        return result;
    }

    /// <summary>Every record, in the order in which they came.</summary>
    public StoredLog[] Snapshot()
    {
        lock (_lock)
            return [.. _logs];
    }

    /// <summary>Every record, and those that come from now on.</summary>
    public (StoredLog[] Logs, Feed<StoredLog>.Follower Follower) Follow()
    {
        lock (_lock)
            return ([.. _logs], Arrivals.Follow());
    }

    /// <param name="resource">Null for everything.</param>
    public void Clear(Func<TelemetryResource, bool>? resource)
    {
        lock (_lock)
        {
            var all = _logs.ToArray();
            _logs.Clear();
            foreach (var log in all)
            {
                if (resource?.Invoke(log.Resource) == false)
                    _logs.Enqueue(log);
                else
                    Forget(log);
            }
        }
        Changes.Raise();
    }

    List<StoredLog> Decode(LogsData data, IngestResult result)
    {
        var logs = new List<StoredLog>();
        foreach (var ofResource in data.ResourceLogs)
        {
            var resource = resources.Find(ofResource.Resource);
            foreach (var ofScope in ofResource.ScopeLogs)
            {
                if (resource?.Scope(ofScope.Scope) is not { } scope)
                {
                    result.Reject(ofScope.LogRecords.Count, "There are too many resources or scopes.");
                    continue;
                }
                foreach (var record in ofScope.LogRecords)
                {
                    AttributeLimits.Apply(record.Attributes, limits);
                    AttributeLimits.Cut(record.Body, limits);
                    logs.Add(new(record, scope, record.ToByteArray()));
                }
            }
        }
        return logs;
    }

    void Add(StoredLog log)
    {
        log.Sequence = ++_sequence;
        _logs.Enqueue(log);
        _bytes += log.Bytes;
        log.Resource.CountLogs(1, Errors(log));
        Arrivals.Publish(log);
    }

    void Forget(StoredLog log)
    {
        _bytes -= log.Bytes;
        log.Resource.CountLogs(-1, 0);
    }

    static int Errors(StoredLog log) => log.Severity >= Severity.Error ? 1 : 0;
}
