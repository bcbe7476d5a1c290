using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>Why a queued job has not started; the first that holds.</summary>
public enum WaitingReason
{
    /// <summary>Its <c>not_before</c> has not come.</summary>
    NotBefore,

    /// <summary>An attempt has failed, and the next one is not due yet.</summary>
    RetryBackoff,

    /// <summary>Its queue is paused, or gone.</summary>
    QueuePaused,

    /// <summary>No live worker takes jobs of its queue.</summary>
    NoWorker,

    /// <summary>Every worker that takes jobs of its queue is being drained.</summary>
    Draining,

    /// <summary>As many jobs with its concurrency key run as it allows.</summary>
    ConcurrencyKey,

    /// <summary>Its caller has as many jobs running as its API key allows.</summary>
    KeyLimit,

    /// <summary>As many jobs of its queue run as the queue allows.</summary>
    QueueLimit,

    /// <summary>All slots are taken, or the job is about to start.</summary>
    NoFreeSlot,
}

/// <summary>Why a job waits.</summary>
/// <param name="Reason">The reason's word.</param>
/// <param name="Detail">One sentence for a person.</param>
/// <param name="Position">How many jobs of its queue stand before it in line, also those that may not start yet, and one; absent while it is not in line.</param>
/// <param name="HeldBy">The running jobs that it waits for, where that is known: at most 20.</param>
public sealed record JobWaiting(WaitingReason Reason, string Detail, int? Position = null, IReadOnlyList<JobId>? HeldBy = null);

/// <summary>Explains waits, from the same facts by which <see cref="JobLeases.ClaimAsync"/> decides.</summary>
public sealed class JobWaits(NpgsqlDataSource db)
{
    /// <summary>Beyond, the position is not counted on.</summary>
    public const int LargestPosition = 10_000;

    /// <summary>Why the job waits; null when it does not wait any more.</summary>
    public async Task<JobWaiting?> ExplainAsync(JobId id, CancellationToken cancellationToken) =>
        (await db.Command(
            $"""
            select ready_at > now(), ready_at, attempt, queue, api_key_name, concurrency_key, concurrency_limit,
                (select paused from queues where name = queue),
                (select max_running from queues where name = queue),
                (select count(*) from jobs running where running.status = 'running' and running.queue = waiting.queue),
                (select max_running from api_keys where api_keys.id = api_key_id),
                (select count(*) from jobs running where running.status = 'running' and running.api_key_id = waiting.api_key_id),
                array(select running.id from jobs running where running.status = 'running' and running.concurrency_key = waiting.concurrency_key order by running.id limit 20),
                (select count(*) from jobs running where running.status = 'running' and running.concurrency_key = waiting.concurrency_key),
                (select count(*) from workers where heartbeat_at > now() - $2 and slots > 0 and (queues is null or queue = any(queues))),
                (select count(*) from workers where heartbeat_at > now() - $2 and slots > 0 and (queues is null or queue = any(queues)) and not draining),
                case when turn is not null then (select count(*) + 1 from (
                    select from jobs ahead where turn is not null and ahead.queue = waiting.queue and ahead.priority > waiting.priority
                    union all
                    select from jobs ahead where turn is not null and ahead.queue = waiting.queue and ahead.priority = waiting.priority
                        and (ahead.turn, ahead.id) < (waiting.turn, waiting.id)
                    limit {LargestPosition}) ahead) end
            from jobs waiting where id = $1 and status = 'queued'
            """,
            id.Value, JobLeases.WorkerSilence)
            .QueryAsync(Explain, cancellationToken)).SingleOrDefault();

    static JobWaiting Explain(NpgsqlDataReader row)
    {
        var readyAt = row.GetFieldValue<DateTimeOffset>(1);
        if (row.GetBoolean(0))
            return row.GetInt32(2) == 0
                ? new(WaitingReason.NotBefore, $"It is not to start before {readyAt:u}.")
                : new(WaitingReason.RetryBackoff, $"Attempt {row.GetInt32(2)} failed; the next one is due at {readyAt:u}.");

        var queue = row.GetString(3);
        var (reason, detail) = Reason(row, queue);
        return new(reason, detail, (int?)row.Nullable<long>(16),
            reason == WaitingReason.ConcurrencyKey ? [.. row.GetFieldValue<Guid[]>(12).Select(holder => new JobId(holder))] : null);
    }

    static (WaitingReason, string) Reason(NpgsqlDataReader row, string queue)
    {
        if (row.Nullable<bool>(7) is not { } paused)
            return (WaitingReason.QueuePaused, $"There is no queue '{queue}' any more.");
        if (paused)
            return (WaitingReason.QueuePaused, $"Queue '{queue}' is paused.");
        if (row.GetInt64(14) == 0)
            return (WaitingReason.NoWorker, $"No worker that takes jobs of queue '{queue}' was heard of lately.");
        if (row.GetInt64(15) == 0)
            return (WaitingReason.Draining, $"Every worker that takes jobs of queue '{queue}' is being drained.");
        if (row.Text(5) is { } key && row.GetInt64(13) >= row.GetInt32(6))
            return (WaitingReason.ConcurrencyKey, $"{row.GetInt64(13)} running with concurrency key '{key}', of which this job allows {row.GetInt32(6)}.");
        if (row.Nullable<int>(10) is { } callerLimit && row.GetInt64(11) >= callerLimit)
            return (WaitingReason.KeyLimit, $"API key '{row.GetString(4)}' has {row.GetInt64(11)} jobs running, of which it may have {callerLimit}.");
        if (row.Nullable<int>(8) is { } queueLimit && row.GetInt64(9) >= queueLimit)
            return (WaitingReason.QueueLimit, $"{row.GetInt64(9)} jobs of queue '{queue}' are running, of which there may be {queueLimit}.");
        return (WaitingReason.NoFreeSlot, "Every worker is busy, or the job is about to start.");
    }
}
