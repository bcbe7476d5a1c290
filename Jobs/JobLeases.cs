using System.Text.Json;
using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>A job that a worker holds, with what only the worker needs.</summary>
/// <param name="Job">The job.</param>
/// <param name="TraceParent">W3C context of its submission.</param>
/// <param name="TraceState">W3C trace state of its submission.</param>
/// <param name="CreatedToStarted">How long it waited.</param>
public sealed record ClaimedJob(Job Job, string? TraceParent, string? TraceState, TimeSpan CreatedToStarted);

/// <summary>One attempt at one job: the fence that every write of a worker passes.</summary>
public readonly record struct JobLease(JobId Id, int Attempt);

/// <summary>How an attempt ended.</summary>
public sealed record JobResult(JobOutcome Outcome)
{
    /// <summary>Why it was no success.</summary>
    public JobFailure? Failure { get; init; }

    /// <summary>ansible-playbook's exit code.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The commit that ran.</summary>
    public string? Revision { get; init; }

    /// <summary>W3C context of the run's own span; what follows the run, such as the callback, goes on from there.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The recap per host.</summary>
    public IReadOnlyDictionary<string, HostSummary>? Hosts { get; init; }
}

/// <summary>
/// The workers' side of the job table. A worker holds a job by a lease: while it renews, nobody else touches the job;
/// when it falls silent, any worker settles the job as lost. <c>attempt</c> and <c>worker_id</c> fence every write, so a
/// worker that was away for longer than its lease can no longer write.
/// </summary>
public sealed class JobLeases(NpgsqlDataSource db)
{
    /// <summary>How long a claim or renewal holds. Three missed renewals lose it.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(20);

    /// <summary>How often a worker renews.</summary>
    public static readonly TimeSpan Renewal = TimeSpan.FromSeconds(5);

    /// <summary>A worker not heard of for this long does not count as active.</summary>
    public static readonly TimeSpan WorkerSilence = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Takes those of the given jobs that are still queued. Two workers that try the same job cannot both get it. A worker whose
    /// claim was committed but whose answer got lost can repeat it; it must not name jobs that it knows it holds.
    /// </summary>
    public Task<List<ClaimedJob>> ClaimAsync(IReadOnlyCollection<JobId> ids, string workerId, CancellationToken cancellationToken) =>
        db.Command(
            $"""
            update jobs set status = 'running', attempt = attempt + (status = 'queued')::int, worker_id = $2, started_at = now(), lease_expires_at = now() + $3
            where id = any($1) and (status = 'queued' or status = 'running' and worker_id = $2)
            returning {JobRow.Columns}, trace_parent, trace_state
            """,
            ids.Select(id => id.Value).ToArray(), workerId, Duration)
            .QueryAsync(ReadClaimed, cancellationToken);

    static ClaimedJob ReadClaimed(NpgsqlDataReader row)
    {
        var job = JobRow.Read(row);
        return new(job, row.Text(JobRow.Count), row.Text(JobRow.Count + 1), job.StartedAt!.Value - job.CreatedAt);
    }

    /// <summary>
    /// Says that the worker lives and extends its leases. Returns the leases that still hold, each with whether a stop
    /// has been asked for; one that is missing is lost and its playbook must be killed.
    /// </summary>
    public async Task<Dictionary<JobLease, bool>> RenewAsync(string workerId, int slots, IReadOnlyCollection<JobLease> held, CancellationToken cancellationToken)
    {
        var rows = await db.Command(
            """
            with heartbeat as (
                insert into workers (id, slots) values ($1, $2)
                on conflict (id) do update set slots = excluded.slots, heartbeat_at = now()
            )
            update jobs set lease_expires_at = now() + $5
            from unnest($3, $4) as held (id, attempt)
            where jobs.id = held.id and jobs.attempt = held.attempt and worker_id = $1 and status = 'running'
            returning jobs.id, jobs.attempt, cancel_requested_at is not null
            """,
            workerId, slots, held.Select(lease => lease.Id.Value).ToArray(), held.Select(lease => lease.Attempt).ToArray(), Duration)
            .QueryAsync(row => (Lease: new JobLease(new JobId(row.GetGuid(0)), row.GetInt32(1)), Cancel: row.GetBoolean(2)), cancellationToken);
        return rows.ToDictionary(row => row.Lease, row => row.Cancel);
    }

    /// <summary>Forgets a worker that stops in good order, and those that died long ago.</summary>
    public Task LeaveAsync(string workerId, CancellationToken cancellationToken) =>
        db.Command("delete from workers where id = $1 or heartbeat_at < now() - interval '1 day'", workerId).ExecuteAsync(cancellationToken);

    /// <summary>Stores output of a running attempt. False means that the lease is lost and nothing was stored.</summary>
    public async Task<bool> AppendAsync(string workerId, JobLease lease, JobOutputBatch output, CancellationToken cancellationToken) =>
        await db.Command(
            $"""
            with owned as (
                -- for share: nobody settles the job between this check and the commit
                select id, attempt from jobs
                where id = $1 and attempt = $2 and worker_id = $3 and status = 'running'
                for share
            ), {StoreOutput}
            select count(*) from owned
            """,
            [lease.Id.Value, lease.Attempt, workerId, .. output.Parameters])
            .CountAsync(cancellationToken) == 1;

    /// <summary>
    /// Makes the job final and stores the rest of its output in the same statement: who sees the status sees every event.
    /// False means that the lease is lost and nothing was stored. The callback is owed from here on (see the trigger).
    /// </summary>
    public async Task<bool> FinishAsync(string workerId, JobLease lease, JobResult result, JobOutputBatch output, CancellationToken cancellationToken) =>
        await db.Command(
            $"""
            with owned as (
                update jobs set status = $10, outcome = $11, failure = $12::json, exit_code = $13, revision = $14, hosts = $15::json, trace_parent = coalesce($16, trace_parent),
                    finished_at = now(), lease_expires_at = null
                where id = $1 and attempt = $2 and worker_id = $3 and status = 'running'
                returning id, attempt
            ), {StoreOutput}
            select count(*) from owned
            """,
            [lease.Id.Value, lease.Attempt, workerId, .. output.Parameters,
                result.Outcome.Status().Word(), result.Outcome.Word(),
                result.Failure is { } failure ? JsonSerializer.Serialize(failure, JobsJson.Default.JobFailure) : null,
                result.ExitCode, result.Revision,
                result.Hosts is { } hosts ? JsonSerializer.Serialize(hosts, JobsJson.Default.IReadOnlyDictionaryStringHostSummary) : null,
                result.TraceParent])
            .CountAsync(cancellationToken) == 1;

    const string StoreOutput =
        """
        events as (
            insert into job_events (job_id, seq, attempt, at, type, data)
            select owned.id, event.seq, owned.attempt, event.at, event.type, event.data::json
            from owned, unnest($4::int[], $5::timestamptz[], $6::text[], $7::text[]) as event (seq, at, type, data)
        ), log as (
            insert into job_log (job_id, seq, content)
            select owned.id, $8, $9 from owned where $9 <> ''
        )
        """;

    /// <summary>Settles jobs whose worker fell silent: failed, as a playbook is never run twice unasked. Returns them.</summary>
    public Task<List<Job>> SettleExpiredAsync(CancellationToken cancellationToken) =>
        db.Command(
            $"""
            update jobs set status = 'failed', outcome = 'worker_lost', finished_at = now(), lease_expires_at = null,
                failure = json_build_object('error_type', 'worker_lost', 'message', 'worker ' || worker_id || ' was not heard of for too long')
            where id in (
                select id from jobs where status = 'running' and lease_expires_at < now()
                order by lease_expires_at limit 100 for update skip locked
            )
            returning {JobRow.Columns}
            """)
            .QueryAsync(JobRow.Read, cancellationToken);

    /// <summary>Ids of queued jobs in order, for putting back into the queue what Redis has lost.</summary>
    public Task<List<JobId>> QueuedAsync(JobId? after, int limit, CancellationToken cancellationToken) =>
        db.Command("select id from jobs where status = 'queued' and id > $1 order by id limit $2", after?.Value ?? Guid.Empty, limit)
            .QueryAsync(row => new JobId(row.GetGuid(0)), cancellationToken);

    /// <summary>Number of queued jobs.</summary>
    public Task<long> CountQueuedAsync(CancellationToken cancellationToken) =>
        db.Command("select count(*) from jobs where status = 'queued'").CountAsync(cancellationToken);
}
