using System.Diagnostics;
using StackExchange.Redis;

namespace AspireJobs.Jobs;

/// <summary>An entry of the queue: a job that was waiting when it was put there, and the trace context of whoever did.</summary>
public readonly record struct QueueEntry(JobId Id, string? TraceParent);

/// <summary>
/// The queue in Redis: which jobs wait, oldest first. It only makes jobs start sooner; a job may be in it twice over time,
/// or missing, and nothing breaks, because <see cref="JobLeases.ClaimAsync"/> decides in Postgres.
/// </summary>
public sealed class JobQueue(IConnectionMultiplexer redis)
{
    /// <summary>Label value of the queue in metrics.</summary>
    public const string Name = QueueKeys.Default;

    static readonly string EnqueueScript = Resources.Text("Lua/enqueue.lua");
    static readonly string TakeScript = Resources.Text("Lua/take.lua");

    /// <summary>Puts a job into the queue and wakes the workers; the job's trace goes on from the current span.</summary>
    /// <exception cref="RedisException">Redis is away; the job will be found by the reconciler.</exception>
    /// <exception cref="TimeoutException">Redis has not answered within 3 seconds.</exception>
    public async Task EnqueueAsync(JobId id)
    {
        using var span = JobsTelemetry.Source.StartActivity("redis.enqueue", ActivityKind.Producer);
        span?.SetTag("messaging.system", "redis")
            .SetTag("messaging.operation.type", "send")
            .SetTag("messaging.operation.name", "enqueue")
            .SetTag("messaging.destination.name", Name)
            .SetTag("messaging.message.id", id.ToString());
        try
        {
            await EnqueueAsync([new QueueEntry(id, (span ?? Activity.Current)?.Id)]);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            span?.SetStatus(ActivityStatusCode.Error, e.Message);
            throw;
        }
    }

    /// <summary>Puts jobs into the queue in one round trip; those that are in it already stay as they are. Returns how many were not.</summary>
    public async Task<int> EnqueueAsync(IReadOnlyCollection<QueueEntry> entries)
    {
        var arguments = new RedisValue[1 + 3 * entries.Count];
        arguments[0] = QueueKeys.Enqueued;
        var i = 1;
        foreach (var (id, traceParent) in entries)
        {
            arguments[i++] = id.ToString();
            arguments[i++] = id.UnixMilliseconds;
            arguments[i++] = traceParent ?? "";
        }
        return (int)await redis.GetDatabase().ScriptEvaluateAsync(EnqueueScript, [QueueKeys.Waiting, QueueKeys.Contexts], arguments).WaitAsync(QueueKeys.LongestCommand);
    }

    /// <summary>Takes up to <paramref name="count"/> of the oldest entries out of the queue.</summary>
    public async Task<IReadOnlyList<QueueEntry>> TakeAsync(int count)
    {
        var taken = (RedisValue[])(await redis.GetDatabase().ScriptEvaluateAsync(TakeScript, [QueueKeys.Waiting, QueueKeys.Contexts], [count]).WaitAsync(QueueKeys.LongestCommand))!;
        var entries = new List<QueueEntry>(taken.Length / 2);
        for (var i = 0; i < taken.Length; i += 2)
            if (JobId.TryParse(taken[i], out var id))
                entries.Add(new QueueEntry(id, taken[i + 1].IsNullOrEmpty ? null : (string?)taken[i + 1]));
        return entries;
    }

    /// <summary>Number of entries.</summary>
    public Task<long> LengthAsync() => redis.GetDatabase().SortedSetLengthAsync(QueueKeys.Waiting).WaitAsync(QueueKeys.LongestCommand);
}
