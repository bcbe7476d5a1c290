using System.Text.Json;
using Npgsql;

namespace AspireJobs.Jobs;

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

    /// <summary>What exactly ran.</summary>
    public JobProvenance? Provenance { get; init; }

    /// <summary>Whether another attempt follows, unless a stop has been asked for meanwhile.</summary>
    public NextAttempt Next { get; init; }
}

/// <summary>What follows an attempt.</summary>
public enum NextAttempt
{
    /// <summary>The job is final.</summary>
    None,

    /// <summary>Another attempt, after the job's backoff.</summary>
    AfterBackoff,

    /// <summary>Another attempt at once: the playbook had not begun.</summary>
    AtOnce,
}

/// <summary>What became of an attempt's result.</summary>
public enum Settled
{
    /// <summary>Nothing was stored: the lease is lost.</summary>
    LeaseLost,

    /// <summary>The job is final.</summary>
    Final,

    /// <summary>The job is final: cancelled, as somebody had asked for that before its worker gave it up.</summary>
    Cancelled,

    /// <summary>The job waits for its next attempt.</summary>
    Queued,
}

/// <summary>Stores what workers have to say of the jobs that they hold. Every write passes the fence of worker and attempt.</summary>
public sealed class JobResults : IAsyncDisposable
{
    const int LargestBatch = 100;

    /// <summary>Why a job is cancelled that had begun.</summary>
    public const string CancelledWhileItRan = "cancelled while it ran";

    const string Again = "(result.next <> 'none' and jobs.cancel_requested_at is null)";

    // The worker was about to give the job up when somebody asked for its stop.
    const string Cancelled = "(result.outcome = 'worker_lost' and jobs.cancel_requested_at is not null)";

    readonly NpgsqlDataSource _db;
    readonly HeldConnection _connection;
    readonly Batcher<Ended, Settled> _ends;

    /// <param name="db">Where jobs are stored.</param>
    public JobResults(NpgsqlDataSource db)
    {
        (_db, _connection) = (db, new HeldConnection(db, TimeProvider.System));
        _ends = new(ends => _connection.UseAsync(connection => FinishAsync(connection, ends)), LargestBatch);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    /// <summary>Stores output of a running attempt. False means that the lease is lost and nothing was stored.</summary>
    public async Task<bool> AppendAsync(string workerId, JobLease lease, JobOutputBatch output, CancellationToken cancellationToken) =>
        await _db.Command(
            """
            with owned as (
                -- for share: nobody settles the job between this check and the commit; "is true" keeps the planner from walking all that runs
                select id, attempt from jobs
                where id = $1 and attempt = $2 and worker_id = $3 and (status = 'running') is true
                for share
            ), events as (
                insert into job_events (job_id, seq, attempt, at, type, data)
                select owned.id, event.seq, owned.attempt, event.at, event.type, event.data::json
                from owned, unnest($4::int[], $5::timestamptz[], $6::text[], $7::text[]) as event (seq, at, type, data)
            ), log as (
                insert into job_log (job_id, seq, attempt, content)
                select owned.id, $8, owned.attempt, $9 from owned where $9 <> ''
            ), running as (
                -- stored while it runs, so that it is known of a job whose worker dies
                update jobs set revision = nullif($10, ''), provenance = nullif($11, '')::json from owned where jobs.id = owned.id and $11 <> ''
            )
            select count(*) from owned
            """,
            lease.Id.Value, lease.Attempt, workerId,
            output.Events.Select(item => item.Seq).ToArray(),
            output.Events.Select(item => item.At).ToArray(),
            output.Events.Select(item => item.Type).ToArray(),
            output.Events.Select(item => item.Data).ToArray(),
            output.LogSeq, output.Log, output.Revision ?? "", Json(output.Provenance) ?? "")
            .CountAsync(cancellationToken) == 1;

    /// <summary>
    /// Ends an attempt and stores the rest of its output in the same statement: who sees the status sees every event. The callback of a final
    /// job is owed from here on (see the trigger). Attempts that end together share one commit. It cannot be cancelled.
    /// </summary>
    public Task<Settled> FinishAsync(string workerId, JobLease lease, JobResult result, JobOutputBatch output) =>
        _ends.RunAsync(new(workerId, lease, result, output));

    static async Task<IReadOnlyList<Settled>> FinishAsync(NpgsqlConnection connection, IReadOnlyList<Ended> ends)
    {
        var events = ends.SelectMany(end => end.Output.Events, (end, item) => (end.Lease.Id, Item: item)).ToList();
        var settled = (await connection.Command(
            $"""
            with result as (
                select * from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[], $9::text[], $10::text[], $11::text[],
                        $12::text[], $13::int[], $14::text[])
                    as result (id, attempt, worker_id, status, outcome, failure, exit_code, revision, hosts, trace_parent, provenance, next, log_seq, log)
            ), owned as (
                update jobs set
                    status = case when {Again} then 'queued' when {Cancelled} then 'cancelled' else result.status end,
                    outcome = case when {Again} then null when {Cancelled} then 'cancelled' else result.outcome end,
                    failure = case when {Again} then null
                        when {Cancelled} then json_build_object('error_type', 'cancelled', 'message', '{CancelledWhileItRan}') else result.failure::json end,
                    finished_at = case when not {Again} then now() end,
                    -- a stop that only this worker has heard of, as the database lost it
                    cancel_requested_at = case when result.outcome = 'cancelled' then coalesce(jobs.cancel_requested_at, now()) else jobs.cancel_requested_at end,
                    lease_expires_at = null,
                    -- at once: it had its turn, so it stands before all others
                    turn = case when {Again} and result.next = 'at_once' then 0 end,
                    handed_back = jobs.handed_back + (result.next = 'at_once')::int,
                    ready_at = case when not {Again} then ready_at
                        when result.next = 'at_once' then now()
                        else now() + job_retry_delay(jobs.request, jobs.attempt - jobs.handed_back) end,
                    exit_code = case when not {Again} then result.exit_code end,
                    hosts = case when not {Again} then result.hosts::json end,
                    revision = result.revision,
                    provenance = result.provenance::json,
                    trace_parent = case when {Again} then jobs.trace_parent else coalesce(result.trace_parent, jobs.trace_parent) end
                from result
                where jobs.id = any($1) and jobs.id = result.id and jobs.attempt = result.attempt and jobs.worker_id = result.worker_id
                    and (jobs.status = 'running') is true
                returning jobs.id, jobs.attempt, jobs.worker_id, jobs.status, jobs.started_at, {Cancelled} as cancelled
            ), attempts as (
                insert into job_attempts (job_id, attempt, worker_id, started_at, finished_at, outcome, failure, exit_code, revision, hosts, trace_parent)
                select id, attempt, owned.worker_id, started_at, now(), result.outcome, failure::json, exit_code, revision, hosts::json, result.trace_parent
                from owned join result using (id, attempt) where owned.status = 'queued'
            ), events as (
                insert into job_events (job_id, seq, attempt, at, type, data)
                select owned.id, event.seq, owned.attempt, event.at, event.type, event.data::json
                from owned join unnest($15::uuid[], $16::int[], $17::timestamptz[], $18::text[], $19::text[]) as event (id, seq, at, type, data) on event.id = owned.id
            ), log as (
                insert into job_log (job_id, seq, attempt, content)
                select id, log_seq, attempt, log from owned join result using (id, attempt) where log <> ''
            )
            select id, case when status = 'queued' then 'queued' when cancelled then 'cancelled' else 'final' end from owned
            """,
            Column(end => end.Lease.Id.Value),
            Column(end => end.Lease.Attempt),
            Column(end => end.WorkerId),
            Column(end => end.Result.Outcome.Status().Word()),
            Column(end => end.Result.Outcome.Word()),
            Column(end => end.Result.Failure is { } failure ? JsonSerializer.Serialize(failure, JobsJson.Default.JobFailure) : null),
            Column(end => end.Result.ExitCode),
            Column(end => end.Result.Revision),
            Column(end => end.Result.Hosts is { } hosts ? JsonSerializer.Serialize(hosts, JobsJson.Default.IReadOnlyDictionaryStringHostSummary) : null),
            Column(end => end.Result.TraceParent),
            Column(end => Json(end.Result.Provenance)),
            Column(end => end.Result.Next.Word()),
            Column(end => end.Output.LogSeq),
            Column(end => end.Output.Log),
            events.Select(item => item.Id.Value).ToArray(),
            events.Select(item => item.Item.Seq).ToArray(),
            events.Select(item => item.Item.At).ToArray(),
            events.Select(item => item.Item.Type).ToArray(),
            events.Select(item => item.Item.Data).ToArray())
            .QueryAsync(row => KeyValuePair.Create(row.GetGuid(0), SnakeCase.Value<Settled>(row.GetString(1))), CancellationToken.None))
            .ToDictionary();
        return [.. ends.Select(end => settled.GetValueOrDefault(end.Lease.Id.Value, Settled.LeaseLost))];

        T[] Column<T>(Func<Ended, T> value) => [.. ends.Select(value)];
    }

    static string? Json(JobProvenance? provenance) => provenance is null ? null : JsonSerializer.Serialize(provenance, JobsJson.Default.JobProvenance);

    sealed record Ended(string WorkerId, JobLease Lease, JobResult Result, JobOutputBatch Output);
}
