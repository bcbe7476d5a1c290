using System.Diagnostics;
using StackExchange.Redis;

namespace AspireJobs.Jobs;

/// <summary>
/// The queue's entries in Redis: they wake the workers and carry the trace of whoever put the job there. Which job starts next, and who runs it,
/// is decided in Postgres by <see cref="JobLeases.ClaimAsync"/>, so an entry may be missing and nothing breaks.
/// </summary>
public sealed class JobQueue(IConnectionMultiplexer redis)
{
    // An entry outlives its use only where its job was taken while Redis was away.
    const int EntrySeconds = 7 * 24 * 3600;

    static readonly string EnqueueScript = Resources.Text("Lua/enqueue.lua");
    static readonly string TakeScript = Resources.Text("Lua/take.lua");

    /// <summary>Puts a job into its queue and wakes the workers; the job's trace goes on from the current span.</summary>
    /// <exception cref="RedisException">Redis is away; workers will find the job all the same.</exception>
    /// <exception cref="TimeoutException">Redis has not answered within 3 seconds.</exception>
    public async Task EnqueueAsync(JobId id, string queue)
    {
        using var span = JobsTelemetry.Source.StartActivity("redis.enqueue", ActivityKind.Producer);
        span?.SetTag("messaging.system", "redis")
            .SetTag("messaging.operation.type", "send")
            .SetTag("messaging.operation.name", "enqueue")
            .SetTag("messaging.destination.name", queue)
            .SetTag("messaging.message.id", id.ToString());
        try
        {
            await redis.GetDatabase().ScriptEvaluateAsync(EnqueueScript, [QueueKeys.Entry(id)], [QueueKeys.Enqueued, (span ?? Activity.Current)?.Id ?? "", EntrySeconds])
                .WaitAsync(QueueKeys.LongestCommand);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            span?.SetStatus(ActivityStatusCode.Error, e.Message);
            throw;
        }
    }

    /// <summary>Takes the entries of these jobs out, and returns the trace context of each that had one.</summary>
    /// <exception cref="RedisException">Redis is away.</exception>
    /// <exception cref="TimeoutException">Redis has not answered within 3 seconds.</exception>
    public async Task<IReadOnlyDictionary<JobId, string>> TakeAsync(IReadOnlyList<JobId> ids)
    {
        var contexts = (RedisValue[])(await redis.GetDatabase().ScriptEvaluateAsync(TakeScript, [.. ids.Select(QueueKeys.Entry)]).WaitAsync(QueueKeys.LongestCommand))!;
        return ids.Zip(contexts).Where(entry => !entry.Second.IsNullOrEmpty).ToDictionary(entry => entry.First, entry => (string)entry.Second!);
    }
}
