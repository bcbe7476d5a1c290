using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>A named queue.</summary>
/// <param name="Name">Its name.</param>
/// <param name="MaxRunning">How many of its jobs may run at once; null for no limit.</param>
/// <param name="Paused">Its jobs wait.</param>
public sealed record Queue(string Name, int? MaxRunning, bool Paused);

/// <summary>The queues.</summary>
public sealed class QueueStore(NpgsqlDataSource db)
{
    /// <summary>The queue that is always there.</summary>
    public const string Default = "default";

    /// <summary>Whether there is such a queue.</summary>
    public async Task<bool> ExistsAsync(string name, CancellationToken cancellationToken) =>
        await db.Command("select count(*) from queues where name = $1", name).CountAsync(cancellationToken) == 1;

    /// <summary>All queues by name.</summary>
    public Task<List<Queue>> ListAsync(CancellationToken cancellationToken) =>
        db.Command("select name, max_running, paused from queues order by name").QueryAsync(Read, cancellationToken);

    /// <summary>Makes a queue, or changes it.</summary>
    public async Task<Queue> SetAsync(Queue queue, CancellationToken cancellationToken) =>
        (await db.Command(
            """
            insert into queues (name, max_running, paused) values ($1, $2::int, $3)
            on conflict (name) do update set max_running = excluded.max_running, paused = excluded.paused
            returning name, max_running, paused
            """,
            queue.Name, queue.MaxRunning, queue.Paused).QueryAsync(Read, cancellationToken)).Single();

    static Queue Read(NpgsqlDataReader row) => new(row.GetString(0), row.Nullable<int>(1), row.GetBoolean(2));
}
