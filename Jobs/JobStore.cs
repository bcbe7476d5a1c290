using System.Diagnostics;
using System.Text.Json;
using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>A job that is about to be stored, its request without secrets.</summary>
public sealed record NewJob(JobId Id, JobRequest Request, byte[]? Sealed, Guid ApiKeyId, string ApiKeyName, string? TraceParent, string? TraceState);

/// <summary>Which jobs to list: newest first, those before a given id.</summary>
public sealed record JobFilter(JobStatus? Status, JobId? Before, int Limit);

/// <summary>What a request to cancel did: nothing, if the job was final already.</summary>
public sealed record CancelResult(Job Job, bool Changed);

/// <summary>Numbers over all jobs and workers, for the gauges.</summary>
/// <param name="QueuedJobs">Jobs that wait.</param>
/// <param name="RunningJobs">Jobs that run.</param>
/// <param name="ActiveWorkers">Workers heard of lately.</param>
/// <param name="WorkerSlots">How many jobs these can run at once.</param>
/// <param name="OldestQueuedAt">When the job that waits longest was stored; null when none waits.</param>
/// <param name="OldestStartedAt">When the job that runs longest was started; null when none runs.</param>
public sealed record ClusterStats(
    long QueuedJobs, long RunningJobs, long ActiveWorkers, long WorkerSlots, DateTimeOffset? OldestQueuedAt, DateTimeOffset? OldestStartedAt);

/// <summary>The callers' side of the job table: store, read, list, ask to stop.</summary>
public sealed class JobStore(NpgsqlDataSource db)
{
    const int LargestBatch = 200;

    readonly Batcher<(NewJob Job, string Request), Job> _inserts = new(jobs => InsertAsync(db, jobs), LargestBatch);

    /// <summary>
    /// Stores a queued job. It exists from here on, whatever becomes of Redis. Jobs that arrive together share one commit, and each is
    /// answered only after it. It cannot be cancelled: a job that is on its way will be stored, and must be counted and queued.
    /// </summary>
    // Written here and not in the batch, so that a request that cannot be written fails alone.
    public Task<Job> CreateAsync(NewJob job) => _inserts.RunAsync((job, JsonSerializer.Serialize(job.Request, JobsJson.Default.JobRequest)));

    static async Task<IReadOnlyList<Job>> InsertAsync(NpgsqlDataSource db, IReadOnlyList<(NewJob Job, string Request)> jobs)
    {
        var created = (await db.Command(
            """
            insert into jobs (id, request, source_type, callback_url, api_key_id, api_key_name, trace_parent, trace_state, sealed)
            select id, request::json, source_type, callback_url, api_key_id, api_key_name, trace_parent, trace_state, sealed
            from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::bytea[])
                as job (id, request, source_type, callback_url, api_key_id, api_key_name, trace_parent, trace_state, sealed)
            returning id, created_at
            """,
            Column(item => item.Job.Id.Value),
            Column(item => item.Request),
            Column(item => item.Job.Request.Source!.Type!.Value.Word()),
            Column(item => item.Job.Request.CallbackUrl),
            Column(item => item.Job.ApiKeyId),
            Column(item => item.Job.ApiKeyName),
            Column(item => item.Job.TraceParent),
            Column(item => item.Job.TraceState),
            Column(item => item.Job.Sealed))
            .QueryAsync(row => (Id: row.GetGuid(0), At: row.GetFieldValue<DateTimeOffset>(1)), CancellationToken.None))
            .ToDictionary(row => row.Id, row => row.At);
        return [.. jobs.Select(item => Queued(item.Job, created[item.Job.Id.Value]))];

        T[] Column<T>(Func<(NewJob Job, string Request), T> value) => [.. jobs.Select(value)];
    }

    static Job Queued(NewJob job, DateTimeOffset createdAt) => new()
    {
        Id = job.Id,
        Status = JobStatus.Queued,
        Request = job.Request,
        ApiKeyName = job.ApiKeyName,
        Attempt = 0,
        TraceId = ActivityContext.TryParse(job.TraceParent, null, out var trace) ? trace.TraceId.ToHexString() : null,
        CreatedAt = createdAt,
    };

    /// <summary>The job, or null.</summary>
    public async Task<Job?> FindAsync(JobId id, CancellationToken cancellationToken) =>
        (await db.Command($"select {JobRow.Columns} from jobs where id = $1", id.Value)
            .QueryAsync(JobRow.Read, cancellationToken)).SingleOrDefault();

    /// <summary>Where the job stands, without the rest of it, or null: for those who look often.</summary>
    public async Task<JobStatus?> FindStatusAsync(JobId id, CancellationToken cancellationToken) =>
        (await db.Command("select status from jobs where id = $1", id.Value)
            .QueryAsync(row => (JobStatus?)SnakeCase.Value<JobStatus>(row.GetString(0)), cancellationToken)).SingleOrDefault();

    /// <summary>Jobs, newest first. Ids sort by time, so the last id of a page leads to the next page however many jobs there are.</summary>
    public Task<List<Job>> ListAsync(JobFilter filter, CancellationToken cancellationToken) =>
        db.Command(
            $"""
            select {JobRow.Columns} from jobs
            where {(filter.Status is null ? "$1::text is null" : "status = $1")} and {(filter.Before is null ? "$2::uuid is null" : "id < $2")}
            order by id desc
            limit $3
            """,
            filter.Status?.Word(), filter.Before?.Value, filter.Limit)
            .QueryAsync(JobRow.Read, cancellationToken);

    /// <summary>
    /// Cancels a queued job at once; asks the worker of a running one to stop; leaves a final one as it is.
    /// Returns the job as it then stands, or null if there is none.
    /// </summary>
    public async Task<CancelResult?> CancelAsync(JobId id, CancellationToken cancellationToken)
    {
        var failure = new JobFailure(JobOutcome.Cancelled.Word(), "cancelled before it started");
        var cancelled = await db.Command(
            $"""
            update jobs set
                cancel_requested_at = coalesce(cancel_requested_at, now()),
                status = case status when 'queued' then 'cancelled' else status end,
                outcome = case status when 'queued' then 'cancelled' end,
                finished_at = case status when 'queued' then now() end,
                failure = case status when 'queued' then $2::json end
            where id = $1 and status in ('queued', 'running')
            returning {JobRow.Columns}
            """,
            id.Value, JsonSerializer.Serialize(failure, JobsJson.Default.JobFailure))
            .QueryAsync(JobRow.Read, cancellationToken);
        if (cancelled is [var job])
            return new CancelResult(job, Changed: true);
        return await FindAsync(id, cancellationToken) is { } final ? new CancelResult(final, Changed: false) : null;
    }

    /// <summary>Counts for the gauges; both job counts read partial indexes that hold live jobs only.</summary>
    public async Task<ClusterStats> StatsAsync(CancellationToken cancellationToken) =>
        (await db.Command(
            """
            select (select count(*) from jobs where status = 'queued'),
                   (select count(*) from jobs where status = 'running'),
                   count(*), coalesce(sum(slots), 0),
                   -- ids sort by time
                   (select created_at from jobs where status = 'queued' order by id limit 1),
                   (select min(started_at) from jobs where status = 'running')
            from workers where heartbeat_at > now() - $1
            """,
            JobLeases.WorkerSilence)
            .QueryAsync(row => new ClusterStats(
                row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.Nullable<DateTimeOffset>(4), row.Nullable<DateTimeOffset>(5)), cancellationToken)).Single();
}
