using System.Diagnostics;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace AspireJobs.Jobs;

/// <summary>A stored job that is to be put into its queue.</summary>
/// <param name="Job">The job.</param>
/// <param name="Queue">The queue's name.</param>
/// <param name="Trace">Context of whoever submitted it.</param>
public readonly record struct QueueEntry(JobId Job, string Queue, ActivityContext Trace);

/// <summary>
/// The queue's entries in Redis: they wake the workers and carry the trace of whoever put the job there. Which job starts next, and who runs it,
/// is decided in Postgres by <see cref="JobLeases.ClaimAsync"/>, so an entry may be missing and nothing breaks.
/// </summary>
public sealed class JobQueue(IConnectionMultiplexer redis, ILogger<JobQueue> log)
{
    // An entry outlives its use only where its job was taken while Redis was away.
    const int EntrySeconds = 7 * 24 * 3600;

    // Some 10 MiB while Redis does not answer: nobody waits for it, so nothing else holds back those who submit.
    const int MostUnderWay = 10_000;

    static readonly string EnqueueScript = Resources.Text("Lua/enqueue.lua");
    static readonly string TakeScript = Resources.Text("Lua/take.lua");

    readonly IDatabase _redis = redis.GetDatabase();
    int _underWay;

    /// <summary>
    /// Puts jobs into their queues and wakes the workers, in one call; each job's trace goes on from here. What keeps an entry from getting there
    /// is logged and nothing more: workers find the job without it.
    /// </summary>
    public async Task EnqueueAsync(IReadOnlyList<QueueEntry> jobs)
    {
        if (jobs.Count == 0)
            return;
        var spans = new Activity?[jobs.Count];
        // The last one started is the parent of the command's span.
        for (var i = jobs.Count - 1; i >= 0; i--)
            spans[i] = StartSpan(jobs[i]);
        try
        {
            if (Interlocked.Add(ref _underWay, jobs.Count) > MostUnderWay)
                throw new TimeoutException($"Redis has not answered for {MostUnderWay} jobs before.");
            await SetAsync(jobs, spans);
        }
#pragma warning disable CA1031 // Logged, and by its contract nothing else.
        catch (Exception e)
#pragma warning restore CA1031
        {
            for (var i = 0; i < spans.Length; i++)
            {
                Activity.Current = spans[i];
                spans[i]?.SetStatus(ActivityStatusCode.Error, e.Message);
                log.EnqueueFailed(e, jobs[i].Job);
            }
        }
        finally
        {
            Interlocked.Add(ref _underWay, -jobs.Count);
            foreach (var span in spans)
                span?.Dispose();
        }
    }

    Task<RedisResult> SetAsync(IReadOnlyList<QueueEntry> jobs, Activity?[] spans)
    {
        var keys = new RedisKey[spans.Length];
        var values = new RedisValue[spans.Length + 2];
        (values[0], values[1]) = (QueueKeys.Enqueued, EntrySeconds);
        for (var i = 0; i < spans.Length; i++)
            (keys[i], values[i + 2]) = (QueueKeys.Entry(jobs[i].Job), spans[i]?.Id ?? "");
        return _redis.ScriptEvaluateAsync(EnqueueScript, keys, values).WaitAsync(QueueKeys.LongestCommand);
    }

    static Activity? StartSpan(QueueEntry job) =>
        job.Trace == default ? null : JobsTelemetry.Source.StartActivity("redis.enqueue", ActivityKind.Producer, job.Trace)
            ?.SetTag("messaging.system", "redis")
            .SetTag("messaging.operation.type", "send")
            .SetTag("messaging.operation.name", "enqueue")
            .SetTag("messaging.destination.name", job.Queue)
            .SetTag("messaging.message.id", job.Job.ToString());

    /// <summary>Takes the entries of these jobs out, and returns the trace context of each that had one.</summary>
    /// <exception cref="RedisException">Redis is away.</exception>
    /// <exception cref="TimeoutException">Redis has not answered within 3 seconds.</exception>
    public async Task<IReadOnlyDictionary<JobId, string>> TakeAsync(IReadOnlyList<JobId> ids)
    {
        var contexts = (RedisValue[])(await _redis.ScriptEvaluateAsync(TakeScript, [.. ids.Select(QueueKeys.Entry)]).WaitAsync(QueueKeys.LongestCommand))!;
        return ids.Zip(contexts).Where(entry => !entry.Second.IsNullOrEmpty).ToDictionary(entry => entry.First, entry => (string)entry.Second!);
    }
}
