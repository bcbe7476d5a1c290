using Microsoft.Extensions.Logging;
using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>A job that a worker holds, with what only the worker needs.</summary>
/// <param name="Job">The job.</param>
/// <param name="TraceParent">W3C context of its submission.</param>
/// <param name="TraceState">W3C trace state of its submission.</param>
/// <param name="Waited">How long it waited since it was ready to start: stored, and come due where it had a <c>not_before</c> or is tried again.</param>
/// <param name="LastEventSeq">Number of the last event of earlier attempts; 0 when there is none.</param>
/// <param name="LastLogSeq">Number of the last piece of log of earlier attempts; 0 when there is none.</param>
/// <param name="FormerTraceParent">W3C context of the attempt before, if its worker lived to tell.</param>
/// <param name="HandedBack">How many of its attempts were handed back before their playbook began.</param>
public sealed record ClaimedJob(
    Job Job, string? TraceParent, string? TraceState, TimeSpan Waited, int LastEventSeq = 0, int LastLogSeq = 0, string? FormerTraceParent = null, int HandedBack = 0)
{
    /// <summary>The number of this attempt among those that were not handed back: what limits of tries count.</summary>
    public int Try => Job.Attempt - HandedBack;
}

/// <summary>What a claim took.</summary>
/// <param name="Jobs">The jobs, in their order.</param>
/// <param name="IsRest">They are all that could start. Without it there may be more, or some that wait for these or others to end.</param>
public sealed record Claim(List<ClaimedJob> Jobs, bool IsRest);

/// <summary>One attempt at one job: the fence that every write of a worker passes.</summary>
public readonly record struct JobLease(JobId Id, int Attempt);

/// <summary>What a worker says of itself.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Slots">How many jobs it runs at once; 0 while it cannot write to its work directory, and so takes none.</param>
/// <param name="Queues">The queues whose jobs it takes; null for every queue.</param>
/// <param name="Version">Version of the worker.</param>
/// <param name="AnsibleVersion">Version of ansible-core that it runs.</param>
/// <param name="Draining">It takes no more jobs.</param>
public sealed record WorkerReport(string Id, int Slots, IReadOnlyList<string>? Queues, string Version, string AnsibleVersion, bool Draining);

/// <summary>What a worker learns when it renews.</summary>
/// <param name="Held">The leases that still hold, each with whether a stop of the job has been asked for; one that is missing is lost.</param>
/// <param name="Draining">The worker is to take no more jobs.</param>
public sealed record Renewal(IReadOnlyDictionary<JobLease, bool> Held, bool Draining);

/// <summary>
/// Which worker holds which job. A worker holds a job by a lease: while it renews, nobody else touches the job; when it falls silent, the leader
/// settles the job as lost. <c>attempt</c> and <c>worker_id</c> fence every write, so a worker that was away for longer than its lease can no
/// longer write.
/// </summary>
public sealed class JobLeases(NpgsqlDataSource db, ILogger<JobLeases> log) : IAsyncDisposable
{
    /// <summary>How long a claim or renewal holds. Three missed renewals lose it.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(20);

    /// <summary>How often a worker renews.</summary>
    public static readonly TimeSpan Renewal = TimeSpan.FromSeconds(5);

    /// <summary>A worker not heard of for this long does not count as active.</summary>
    public static readonly TimeSpan WorkerSilence = TimeSpan.FromSeconds(15);

    // Any number that nothing else locks; the lock ends with the transaction.
    const string Turn = "pg_advisory_xact_lock(427020085613)";

    internal const string TakeTurn = $"select {Turn}";

    // A worker that waits longer asks again, rather than begin what it has no time left to wait for: else workers that wait behind long claims would
    // all be cut off in theirs. The setting holds for the transaction.
    const string TakeTurnSoon = $"select set_config('lock_timeout', '3s', true), {Turn}";

    readonly HeldConnection _claims = new(db, TimeProvider.System);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _claims.DisposeAsync();

    /// <summary>Changes what claims decide by. Behind a claim that is under way, so that none starts a job by what was before once this has returned.</summary>
    internal static async Task<List<T>> BetweenClaimsAsync<T>(NpgsqlDataSource db, NpgsqlBatchCommand change, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var batch = db.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(TakeTurn));
        batch.BatchCommands.Add(change);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        return await reader.ReadAllAsync(read, cancellationToken);
    }

    /// <summary>
    /// Takes up to <paramref name="count"/> jobs that may start, in their order (see <see cref="JobOrder"/>). Claims take turns, by a lock that
    /// ends with the transaction: only so can the limits of queues, callers and concurrency keys hold among workers. Fewer jobs than asked for
    /// do not mean that there are no more, unless the claim says so; none does. A job whose row cannot be read is taken and not returned; its
    /// lease will run out.
    /// </summary>
    /// <param name="workerId">Who takes them.</param>
    /// <param name="queues">Whose jobs it takes; null for every queue.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="cancellationToken">Gives up waiting for the answer; the claim may have happened: see <see cref="UnansweredAsync"/>.</param>
    public Task<Claim> ClaimAsync(string workerId, IReadOnlyList<string>? queues, int count, CancellationToken cancellationToken) =>
        _claims.UseAsync(async connection =>
        {
            // One more than are wanted tells that somebody is left.
            var claimed = await ClaimAsync(ClaimSql.Unlimited, window: count + 1);
            if (claimed.Count > 0)
                return new Claim(claimed, IsRest: claimed.Count < count);
            // More than are wanted, as some may be over a limit once the others of the same claim have started.
            return new Claim(await ClaimAsync(ClaimSql.Limited, window: 2 * count + 20), IsRest: false);

            async Task<List<ClaimedJob>> ClaimAsync(string statement, int window)
            {
                await using var batch = connection.CreateBatch();
                batch.BatchCommands.Add(new NpgsqlBatchCommand(TakeTurnSoon));
                // A statement of its own, so that it sees what the holder of the lock before it did.
                batch.BatchCommands.Add(Sql.BatchCommand(statement, workerId, Duration, count, window, queues));
                return await ReadClaimedAsync(batch, cancellationToken);
            }
        }, cancellationToken);

    /// <summary>
    /// The jobs that the worker holds without knowing it, from a claim whose answer got lost. <paramref name="known"/> must name every lease
    /// that it ever began to run and that may still stand. Their leases begin anew: they ran since the claim, and a run must not begin under one
    /// that has ended or is about to.
    /// </summary>
    public async Task<List<ClaimedJob>> UnansweredAsync(
        string workerId, IReadOnlyCollection<JobLease> known, CancellationToken cancellationToken)
    {
        await using var batch = db.CreateBatch();
        // That claim may still be under way.
        batch.BatchCommands.Add(new NpgsqlBatchCommand(TakeTurnSoon));
        batch.BatchCommands.Add(Sql.BatchCommand(
            $"""
            update jobs set lease_expires_at = now() + $4
            where status = 'running' and worker_id = $1 and (id, attempt) not in (select * from unnest($2::uuid[], $3::int[]))
            returning {ClaimSql.Columns}
            """,
            workerId, Ids(known.Select(lease => lease.Id)), Attempts(known), Duration));
        return await ReadClaimedAsync(batch, cancellationToken);
    }

    async Task<List<ClaimedJob>> ReadClaimedAsync(NpgsqlBatch batch, CancellationToken cancellationToken)
    {
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var jobs = new List<ClaimedJob>();
        while (await reader.ReadAsync(cancellationToken))
            if (JobRow.TryRead(reader, log) is { } job)
                jobs.Add(Claimed(job, reader));
        return jobs;
    }

    static ClaimedJob Claimed(Job job, NpgsqlDataReader row) => new(
        job, row.Text(JobRow.Count), row.Text(JobRow.Count + 1), job.StartedAt!.Value - row.GetFieldValue<DateTimeOffset>(JobRow.Count + 2),
        row.GetInt32(JobRow.Count + 3), row.GetInt32(JobRow.Count + 4), row.Text(JobRow.Count + 5), row.GetInt32(JobRow.Count + 6));

    /// <summary>Says that the worker lives, and extends its leases.</summary>
    public async Task<Renewal> RenewAsync(WorkerReport worker, IReadOnlyCollection<JobLease> held, CancellationToken cancellationToken)
    {
        await using var batch = db.CreateBatch();
        batch.BatchCommands.Add(Sql.BatchCommand(
            """
            insert into workers (id, slots, queues, version, ansible_version, draining) values ($1, $2, $3, $4, $5, $6)
            on conflict (id) do update set slots = excluded.slots, ansible_version = excluded.ansible_version, draining = workers.draining or excluded.draining, heartbeat_at = now()
            returning draining
            """,
            worker.Id, worker.Slots, worker.Queues, worker.Version, worker.AnsibleVersion, worker.Draining));
        batch.BatchCommands.Add(Sql.BatchCommand(
            """
            update jobs set lease_expires_at = now() + $4
            from unnest($2, $3) as held (id, attempt)
            where jobs.id = any($2) and jobs.id = held.id and jobs.attempt = held.attempt and worker_id = $1 and (status = 'running') is true
            returning jobs.id, jobs.attempt, cancel_requested_at is not null
            """,
            worker.Id, Ids(held.Select(lease => lease.Id)), Attempts(held), Duration));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var draining = (await reader.ReadAllAsync(row => row.GetBoolean(0), cancellationToken)).Single();
        await reader.NextResultAsync(cancellationToken);
        var rows = await reader.ReadAllAsync(row => (Lease: new JobLease(new JobId(row.GetGuid(0)), row.GetInt32(1)), Cancel: row.GetBoolean(2)), cancellationToken);
        return new Renewal(rows.ToDictionary(row => row.Lease, row => row.Cancel), draining);
    }

    /// <summary>Forgets a worker that stops in good order, and those that died long ago.</summary>
    public Task LeaveAsync(string workerId, CancellationToken cancellationToken) =>
        db.Command("delete from workers where id = $1 or heartbeat_at < now() - interval '1 day'", workerId).ExecuteAsync(cancellationToken);

    static int[] Attempts(IEnumerable<JobLease> leases) => [.. leases.Select(lease => lease.Attempt)];

    static Guid[] Ids(IEnumerable<JobId> ids) => [.. ids.Select(id => id.Value)];
}
