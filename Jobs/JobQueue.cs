using System.Diagnostics;
using StackExchange.Redis;

namespace AspireJobs.Jobs;

/// <summary>
/// The queue's entries in Redis: they wake the workers and carry the trace of whoever put the job there. Which job starts next, and who runs it,
/// is decided in Postgres by <see cref="JobLeases.ClaimAsync"/>, so an entry may be missing and nothing breaks.
/// </summary>
public sealed class JobQueue
{
    const int LargestBatch = 200;

    // An entry outlives its use only where its job was taken while Redis was away.
    const int EntrySeconds = 7 * 24 * 3600;

    static readonly string EnqueueScript = Resources.Text("Lua/enqueue.lua");
    static readonly string TakeScript = Resources.Text("Lua/take.lua");

    readonly IDatabase _redis;
    readonly Batcher<(RedisKey Entry, string Context), bool> _enqueues;

    /// <param name="redis">Where the entries are.</param>
    public JobQueue(IConnectionMultiplexer redis)
    {
        _redis = redis.GetDatabase();
        _enqueues = new(EnqueueAsync, LargestBatch);
    }

    /// <summary>
    /// Puts a job into its queue and wakes the workers; the job's trace goes on from the current span. Jobs that arrive together share one call.
    /// </summary>
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
            await _enqueues.RunAsync((QueueKeys.Entry(id), (span ?? Activity.Current)?.Id ?? ""));
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            span?.SetStatus(ActivityStatusCode.Error, e.Message);
            throw;
        }
    }

    async Task<IReadOnlyList<bool>> EnqueueAsync(IReadOnlyList<(RedisKey Entry, string Context)> jobs)
    {
        await _redis.ScriptEvaluateAsync(EnqueueScript, [.. jobs.Select(job => job.Entry)], [QueueKeys.Enqueued, EntrySeconds, .. jobs.Select(job => (RedisValue)job.Context)])
            .WaitAsync(QueueKeys.LongestCommand);
        return new bool[jobs.Count];
    }

    /// <summary>Takes the entries of these jobs out, and returns the trace context of each that had one.</summary>
    /// <exception cref="RedisException">Redis is away.</exception>
    /// <exception cref="TimeoutException">Redis has not answered within 3 seconds.</exception>
    public async Task<IReadOnlyDictionary<JobId, string>> TakeAsync(IReadOnlyList<JobId> ids)
    {
        var contexts = (RedisValue[])(await _redis.ScriptEvaluateAsync(TakeScript, [.. ids.Select(QueueKeys.Entry)]).WaitAsync(QueueKeys.LongestCommand))!;
        return ids.Zip(contexts).Where(entry => !entry.Second.IsNullOrEmpty).ToDictionary(entry => entry.First, entry => (string)entry.Second!);
    }
}
