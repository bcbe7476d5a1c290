using System.Diagnostics;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace AspireJobs.Jobs;

/// <summary>A job on its way into its queue.</summary>
/// <param name="Job">The job.</param>
/// <param name="Queue">The queue's name.</param>
/// <param name="Span">Its <c>redis.enqueue</c> span, below which its trace goes on; null without a trace.</param>
public readonly record struct QueueEntry(JobId Job, string Queue, Activity? Span);

/// <summary>
/// The queue's entries in Redis, for whoever looks at it there, and the message that wakes the workers. Which job starts next, and who runs it, is
/// decided in Postgres by <see cref="JobLeases.ClaimAsync"/>, and nothing reads an entry back, so one may be missing and nothing breaks.
/// </summary>
public sealed class JobQueue(IConnectionMultiplexer redis, ILogger<JobQueue> log)
{
    // An entry outlives its use only where its job was claimed before it got here, or while Redis was away.
    const int EntrySeconds = 7 * 24 * 3600;

    // Some 10 MiB while Redis does not answer: nobody waits for it, so nothing else holds back those who submit.
    const int MostUnderWay = 10_000;

    static readonly string EnqueueScript = Resources.Text("Lua/enqueue.lua");

    readonly IDatabase _redis = redis.GetDatabase();
    int _underWay;

    /// <summary>Whether a worker listened when the last entries came.</summary>
    public bool IsHeard { get; private set; }

    /// <summary>
    /// The entry of a job that is about to be stored. Its span exists before the row, so that the row carries its context, and a worker goes on
    /// with the trace without asking Redis; it is exported only if the job is enqueued.
    /// </summary>
    /// <param name="job">The job.</param>
    /// <param name="queue">The queue's name.</param>
    /// <param name="trace">Context of whoever submits it.</param>
    public static QueueEntry Prepare(JobId job, string queue, ActivityContext trace)
    {
        var current = Activity.Current;
        var span = trace == default ? null : JobsTelemetry.Source.StartActivity("redis.enqueue", ActivityKind.Producer, trace);
        if (span is not null)
        {
            var id = job.ToString();
            span.SetTag("job.id", id)
                .SetTag("messaging.system", "redis")
                .SetTag("messaging.operation.type", "send")
                .SetTag("messaging.operation.name", "enqueue")
                .SetTag("messaging.destination.name", queue)
                .SetTag("messaging.message.id", id);
        }
        Activity.Current = current;
        return new(job, queue, span);
    }

    /// <summary>
    /// Puts stored jobs into their queues and wakes the workers, in one call. What keeps an entry from getting there is logged and nothing more:
    /// workers find the job without it.
    /// </summary>
    public async Task EnqueueAsync(IReadOnlyList<QueueEntry> entries)
    {
        if (entries.Count == 0)
            return;
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        foreach (var entry in entries)
            entry.Span?.SetStartTime(now);
        // One of them is the parent of the command's span.
        Activity.Current = entries[0].Span;
        try
        {
            if (Volatile.Read(ref _underWay) >= MostUnderWay)
                throw new TimeoutException($"Redis has not answered for {MostUnderWay} jobs before.");
            await SetAsync(entries).WaitAsync(QueueKeys.LongestCommand);
        }
        // Whatever it is: logged, and by the contract nothing else.
        catch (Exception e)
        {
            foreach (var entry in entries)
            {
                Activity.Current = entry.Span;
                entry.Span.Fail(e);
                log.EnqueueFailed(e, entry.Job);
            }
        }
        finally
        {
            foreach (var entry in entries)
                entry.Span?.Dispose();
        }
    }

    // Counts them for as long as the client keeps them, which may be after nobody waits any more.
    async Task SetAsync(IReadOnlyList<QueueEntry> entries)
    {
        Interlocked.Add(ref _underWay, entries.Count);
        try
        {
            IsHeard = (int)await SendAsync(entries) > 0;
        }
        finally
        {
            Interlocked.Add(ref _underWay, -entries.Count);
        }
    }

    Task<RedisResult> SendAsync(IReadOnlyList<QueueEntry> entries)
    {
        var keys = new RedisKey[entries.Count];
        var values = new RedisValue[entries.Count + 2];
        (values[0], values[1]) = (QueueKeys.Enqueued, EntrySeconds);
        for (var i = 0; i < keys.Length; i++)
            (keys[i], values[i + 2]) = (QueueKeys.Entry(entries[i].Job), entries[i].Span?.Id ?? "");
        return _redis.ScriptEvaluateAsync(EnqueueScript, keys, values);
    }

    /// <summary>Takes the entries of jobs out that wait no longer, without waiting for it.</summary>
    public void Remove(IEnumerable<JobId> jobs)
    {
        RedisKey[] entries = [.. jobs.Select(QueueKeys.Entry)];
        if (entries.Length == 0)
            return;
        try
        {
            _ = _redis.KeyDeleteAsync(entries, CommandFlags.FireAndForget);
        }
        catch (RedisException)
        {
            // Redis is away. What it kept of them ends by itself.
        }
    }
}
