using Microsoft.Extensions.Logging;
using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>Which jobs to list: newest first, those before a given id.</summary>
public sealed record JobFilter(JobStatus? Status, JobId? Before, int Limit);

/// <summary>A page of a list of jobs.</summary>
/// <param name="Jobs">The jobs.</param>
/// <param name="Last">The last one, before which the next page begins; null if there is no such page.</param>
public sealed record JobPage(IReadOnlyList<Job> Jobs, JobId? Last);

/// <summary>What a request to cancel did: nothing, if the job was final already.</summary>
public sealed record CancelResult(Job Job, bool Changed);

/// <summary>Where a job stands.</summary>
/// <param name="Status">Its status.</param>
/// <param name="Attempt">How many times a worker has taken it.</param>
public sealed record JobProgress(JobStatus Status, int Attempt)
{
    /// <summary>Whether nothing more comes of an attempt, or of any where none is given.</summary>
    public bool HasEnded(int? attempt) => Status.IsFinal() || Attempt > attempt || Attempt == attempt && Status == JobStatus.Queued;
}

/// <summary>Numbers over all jobs and workers, for the gauges.</summary>
/// <param name="Queues">Each queue.</param>
/// <param name="RunningJobs">Jobs that run.</param>
/// <param name="ActiveWorkers">Workers heard of lately.</param>
/// <param name="WorkerSlots">How many jobs these can run at once.</param>
/// <param name="OldestStartedAt">When the job that runs longest was started; null when none runs.</param>
/// <param name="LastMissedAt">When a schedule was last found to have missed times; null when none was.</param>
public sealed record ClusterStats(
    IReadOnlyList<QueueStats> Queues, long RunningJobs, long ActiveWorkers, long WorkerSlots, DateTimeOffset? OldestStartedAt, DateTimeOffset? LastMissedAt);

/// <summary>Numbers of a queue.</summary>
/// <param name="Name">The queue.</param>
/// <param name="Jobs">Jobs that stand in its line: not those whose time has not come.</param>
/// <param name="OldestAt">Since when the one that waits longest is ready to start; null when none waits.</param>
/// <param name="Paused">None of them is started.</param>
public sealed record QueueStats(string Name, long Jobs, DateTimeOffset? OldestAt, bool Paused);

/// <summary>The callers' side of the job table: read, list, ask to stop.</summary>
public sealed class JobStore(NpgsqlDataSource db, ILogger<JobStore> log)
{
    /// <summary>The job, or null.</summary>
    public async Task<Job?> FindAsync(JobId id, CancellationToken cancellationToken) =>
        (await db.Command($"select {JobRow.Columns} from jobs where id = $1", id.Value)
            .QueryAsync(JobRow.Read, cancellationToken)).SingleOrDefault();

    /// <summary>Where the job stands, without the rest of it, or null: for those who look often.</summary>
    public async Task<JobProgress?> FindProgressAsync(JobId id, CancellationToken cancellationToken) =>
        (await db.Command("select status, attempt from jobs where id = $1", id.Value)
            .QueryAsync(row => new JobProgress(SnakeCase.Value<JobStatus>(row.GetString(0)), row.GetInt32(1)), cancellationToken)).SingleOrDefault();

    /// <summary>Jobs, newest first. Ids sort by time, so the last id of a page leads to the next page however many jobs there are.</summary>
    public async Task<JobPage> ListAsync(JobFilter filter, CancellationToken cancellationToken)
    {
        var rows = await db.Command(
            $"""
            select {JobRow.Columns} from jobs
            where {(filter.Status is null ? "$1::text is null" : "status = $1")} and {(filter.Before is null ? "$2::uuid is null" : "id < $2")}
            order by id desc
            limit $3
            """,
            filter.Status?.Word(), filter.Before?.Value, filter.Limit)
            .QueryAsync(row => (Id: new JobId(row.GetGuid(0)), Job: JobRow.TryRead(row, log)), cancellationToken);
        return new([.. rows.Select(row => row.Job).OfType<Job>()], rows.Count == filter.Limit ? rows[^1].Id : null);
    }

    /// <summary>
    /// Cancels a queued job at once; asks the worker of a running one to stop; leaves a final one as it is.
    /// Returns the job as it then stands, or null if there is none.
    /// </summary>
    public async Task<CancelResult?> CancelAsync(JobId id, CancellationToken cancellationToken)
    {
        var cancelled = await db.Command(
            $"""
            update jobs set
                turn = null,
                cancel_requested_at = coalesce(cancel_requested_at, now()),
                status = case status when 'queued' then 'cancelled' else status end,
                outcome = case status when 'queued' then 'cancelled' end,
                started_at = case when status <> 'queued' then started_at end,
                finished_at = case status when 'queued' then now() end,
                failure = case status when 'queued' then json_build_object('error_type', 'cancelled',
                    'message', case attempt when 0 then 'cancelled before it started' else 'cancelled before its next attempt' end) end
            where id = $1 and status in ('queued', 'running')
            returning {JobRow.Columns}
            """,
            id.Value)
            .QueryAsync(JobRow.Read, cancellationToken);
        if (cancelled is [var job])
            return new CancelResult(job, Changed: true);
        return await FindAsync(id, cancellationToken) is { } final ? new CancelResult(final, Changed: false) : null;
    }

    /// <summary>Counts for the gauges; they read only what waits and runs.</summary>
    public async Task<ClusterStats> StatsAsync(CancellationToken cancellationToken)
    {
        var rows = await db.Command(
            """
            with running as materialized (
                select count(*) as jobs, min(started_at) as oldest from jobs where status = 'running'
            ), active as materialized (
                select count(*) as workers, coalesce(sum(slots), 0) as slots from workers where heartbeat_at > now() - $1
            ), missed as materialized (
                select max(missed_at) as last from schedules
            )
            select name, line.jobs, line.oldest, paused, running.jobs, active.workers, active.slots, running.oldest, missed.last
            from running, active, missed, queues,
                lateral (select count(*) as jobs, min(ready_at) as oldest from jobs where turn is not null and queue = name) line
            order by name
            """,
            JobLeases.WorkerSilence)
            .QueryAsync(row => (
                Queue: new QueueStats(row.GetString(0), row.GetInt64(1), row.Nullable<DateTimeOffset>(2), row.GetBoolean(3)),
                All: new ClusterStats([], row.GetInt64(4), row.GetInt64(5), row.GetInt64(6), row.Nullable<DateTimeOffset>(7), row.Nullable<DateTimeOffset>(8))), cancellationToken);
        // There is always one: the default queue.
        return rows[0].All with { Queues = [.. rows.Select(row => row.Queue)] };
    }

    /// <summary>The attempts of a job that have ended, in order; that of a running job is not among them.</summary>
    public Task<List<JobAttempt>> AttemptsAsync(JobId id, CancellationToken cancellationToken) =>
        db.Command(
            """
            select attempt, worker_id, started_at, finished_at, outcome, failure, exit_code, revision, hosts from job_attempts where job_id = $1
            union all
            select attempt, worker_id, started_at, finished_at, outcome, failure, exit_code, revision, hosts from jobs
            where id = $1 and outcome is not null and attempt > 0 and not exists (select from job_attempts where job_id = $1 and job_attempts.attempt = jobs.attempt)
            order by attempt
            """,
            id.Value)
            .QueryAsync(row => new JobAttempt(
                row.GetInt32(0), row.GetString(1), row.GetFieldValue<DateTimeOffset>(2), row.GetFieldValue<DateTimeOffset>(3), SnakeCase.Value<JobOutcome>(row.GetString(4)),
                JobRow.Failure(row, 5), row.Nullable<int>(6), row.Text(7), JobRow.Hosts(row, 8)), cancellationToken);
}
