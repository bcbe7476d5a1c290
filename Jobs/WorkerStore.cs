using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>A worker as callers see it.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Active">It was heard of within <see cref="JobLeases.WorkerSilence"/>.</param>
/// <param name="Slots">How many jobs it runs at once; 0 while it cannot write to its work directory.</param>
/// <param name="Jobs">The jobs that it runs.</param>
/// <param name="Queues">The queues whose jobs it takes; absent for every queue.</param>
/// <param name="Version">Version of the worker.</param>
/// <param name="AnsibleVersion">Version of ansible-core that it runs.</param>
/// <param name="Draining">It takes no more jobs.</param>
/// <param name="Leader">It does the work that one worker does for all.</param>
/// <param name="StartedAt">When it was first heard of.</param>
/// <param name="HeartbeatAt">When it was last heard of.</param>
public sealed record WorkerState(
    string Id, bool Active, int Slots, IReadOnlyList<JobId> Jobs, IReadOnlyList<string>? Queues, string Version, string AnsibleVersion,
    bool Draining, bool Leader, DateTimeOffset StartedAt, DateTimeOffset HeartbeatAt);

/// <summary>The callers' side of the workers: look at them, and tell one to take no more jobs.</summary>
public sealed class WorkerStore(NpgsqlDataSource db)
{
    /// <summary>Every worker, also one that fell silent less than a day ago, by name.</summary>
    public Task<List<WorkerState>> ListAsync(CancellationToken cancellationToken) =>
        db.Command($"select {Columns} from workers where heartbeat_at > now() - interval '1 day' order by id", JobLeases.WorkerSilence).QueryAsync(Read, cancellationToken);

    /// <summary>
    /// Has a worker take no more jobs, or take jobs again; null if there is no such worker. What it runs goes on. From here on it takes none,
    /// as <see cref="JobLeases.ClaimAsync"/> gives it none.
    /// </summary>
    public async Task<WorkerState?> DrainAsync(string id, bool draining, CancellationToken cancellationToken) =>
        (await JobLeases.BetweenClaimsAsync(db, Sql.BatchCommand($"update workers set draining = $3 where id = $2 returning {Columns}", JobLeases.WorkerSilence, id, draining),
            Read, cancellationToken)).SingleOrDefault();

    const string Columns =
        """
        id, heartbeat_at > now() - $1, slots, array(select jobs.id from jobs where status = 'running' and worker_id = workers.id order by jobs.id),
        queues, version, ansible_version, draining, exists (select from leader where worker_id = workers.id and expires_at > now()), started_at, heartbeat_at
        """;

    static WorkerState Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetBoolean(1), row.GetInt32(2), [.. row.GetFieldValue<Guid[]>(3).Select(id => new JobId(id))],
        row.IsDBNull(4) ? null : row.GetFieldValue<string[]>(4), row.GetString(5), row.GetString(6), row.GetBoolean(7), row.GetBoolean(8),
        row.GetFieldValue<DateTimeOffset>(9), row.GetFieldValue<DateTimeOffset>(10));
}
