using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>A named queue.</summary>
/// <param name="Name">Its name.</param>
/// <param name="MaxRunning">How many of its jobs may run at once; null for no limit.</param>
/// <param name="Paused">Its jobs wait.</param>
public sealed record Queue(string Name, int? MaxRunning, bool Paused);

/// <summary>A queue and what is in it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="MaxRunning">How many of its jobs may run at once; absent for no limit.</param>
/// <param name="Paused">Its jobs wait.</param>
/// <param name="Waiting">How many of its jobs wait, for a worker or for their time.</param>
/// <param name="Running">How many of its jobs run.</param>
/// <param name="OldestWaitingAt">Since when the one that waits longest for a worker is ready to start; absent when none waits for one.</param>
public sealed record QueueState(string Name, int? MaxRunning, bool Paused, long Waiting, long Running, DateTimeOffset? OldestWaitingAt);

/// <summary>What became of a queue that was to be deleted.</summary>
public enum QueueDeletion
{
    /// <summary>It is gone.</summary>
    Deleted,

    /// <summary>There was none.</summary>
    Unknown,

    /// <summary>Jobs wait or run in it, or a schedule puts jobs there.</summary>
    InUse,
}

/// <summary>The queues.</summary>
public sealed class QueueStore(NpgsqlDataSource db)
{
    /// <summary>The queue that is always there.</summary>
    public const string Default = "default";

    /// <summary>Whether there is such a queue.</summary>
    public async Task<bool> ExistsAsync(string name, CancellationToken cancellationToken) =>
        await db.Command("select count(*) from queues where name = $1", name).CountAsync(cancellationToken) == 1;

    /// <summary>All queues by name.</summary>
    public Task<List<QueueState>> ListAsync(CancellationToken cancellationToken) => StatesAsync(null, cancellationToken);

    /// <summary>The queue, or null.</summary>
    public async Task<QueueState?> FindAsync(string name, CancellationToken cancellationToken) => (await StatesAsync(name, cancellationToken)).SingleOrDefault();

    Task<List<QueueState>> StatesAsync(string? name, CancellationToken cancellationToken) =>
        db.Command(
            """
            select name, max_running, paused, line.jobs + coalesce(planned.jobs, 0), coalesce(running.jobs, 0), line.oldest
            from queues
            cross join lateral (select count(*) as jobs, min(ready_at) as oldest from jobs where turn is not null and queue = name) line
            left join (select queue, count(*) as jobs from jobs where status = 'queued' and turn is null group by queue) planned on planned.queue = name
            left join (select queue, count(*) as jobs from jobs where status = 'running' group by queue) running on running.queue = name
            where $1::text is null or name = $1
            order by name
            """,
            name)
            .QueryAsync(row => new QueueState(
                row.GetString(0), row.Nullable<int>(1), row.GetBoolean(2), row.GetInt64(3), row.GetInt64(4), row.Nullable<DateTimeOffset>(5)), cancellationToken);

    /// <summary>Makes a queue, or changes it; true if it was made.</summary>
    public async Task<bool> SetAsync(Queue queue, CancellationToken cancellationToken) =>
        (await JobLeases.BetweenClaimsAsync(db, Sql.BatchCommand(
            """
            insert into queues (name, max_running, paused) values ($1, $2::int, $3)
            on conflict (name) do update set max_running = excluded.max_running, paused = excluded.paused
            returning xmax = 0
            """,
            queue.Name, queue.MaxRunning, queue.Paused), row => row.GetBoolean(0), cancellationToken)).Single();

    /// <summary>Removes a queue that nothing uses. A job that is stored in the same instant waits until there is such a queue again.</summary>
    public async Task<QueueDeletion> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        var deleted = await JobLeases.BetweenClaimsAsync(db, Sql.BatchCommand(
            """
            delete from queues where name = $1
                and not exists (select from jobs where queue = $1 and status in ('queued', 'running'))
                and not exists (select from schedules where request ->> 'queue' = $1)
            returning name
            """,
            name), row => row.GetString(0), cancellationToken);
        return deleted.Count == 1 ? QueueDeletion.Deleted : await ExistsAsync(name, cancellationToken) ? QueueDeletion.InUse : QueueDeletion.Unknown;
    }
}
