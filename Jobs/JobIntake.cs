using System.Diagnostics;
using System.Text.Json;
using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>A job that is about to be stored.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Request">What is asked for.</param>
/// <param name="ApiKeyId">Who asks.</param>
/// <param name="ApiKeyName">The asker's name.</param>
/// <param name="TraceParent">W3C context of the submission.</param>
/// <param name="TraceState">W3C trace state of the submission.</param>
public sealed record NewJob(JobId Id, JobRequest Request, Guid ApiKeyId, string ApiKeyName, string? TraceParent, string? TraceState)
{
    /// <summary>Its secrets, sealed.</summary>
    public byte[]? Sealed { get; init; }

    /// <summary>The caller's own name for the submission.</summary>
    public Idempotency? Idempotency { get; init; }

    /// <summary>The job that this one repeats.</summary>
    public JobId? RerunOf { get; init; }

    /// <summary>Name of the schedule that submits it.</summary>
    public string? Schedule { get; init; }
}

/// <summary>The caller's own name for a submission: of two with the same only one makes a job.</summary>
/// <param name="Key">Unique among the submissions of an API key.</param>
/// <param name="Digest">What two submissions have in common if they ask for the same.</param>
public sealed record Idempotency(string Key, byte[] Digest);

/// <summary>What became of a job that was to be stored.</summary>
/// <param name="Job">The stored job: the new one, or the earlier one with the same idempotency key.</param>
/// <param name="Replayed">It is the earlier one.</param>
/// <param name="SameRequest">False: the earlier one asked for something else.</param>
public sealed record Intake(Job Job, bool Replayed = false, bool SameRequest = true);

/// <summary>Stores new jobs.</summary>
public sealed class JobIntake : IAsyncDisposable
{
    const int LargestBatch = 200;

    readonly NpgsqlDataSource _db;
    readonly JobQueue _queue;
    readonly HeldConnection _connection;
    readonly Batcher<Item, Intake> _inserts;

    /// <param name="db">Where jobs are stored.</param>
    /// <param name="queue">Where their entries go.</param>
    public JobIntake(NpgsqlDataSource db, JobQueue queue)
    {
        (_db, _queue, _connection) = (db, queue, new HeldConnection(db, TimeProvider.System));
        _inserts = new(InsertAsync, LargestBatch);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    /// <summary>
    /// Stores a job, from where on it exists, whatever becomes of Redis, and sends its entry on its way into the queue, for which nobody waits.
    /// Jobs that arrive together share one commit and one call to Redis, and each is answered only after the commit. It cannot be cancelled: a
    /// job that is on its way will be stored, and must be counted and queued.
    /// </summary>
    public Task<Intake> StoreAsync(NewJob job) => _inserts.RunAsync(Written(job));

    /// <summary>The job that the caller's own name for a submission made before; null if it made none, or one that was asked for by another request.</summary>
    public async Task<Intake?> ReplayAsync(Guid apiKeyId, Idempotency idempotency, CancellationToken cancellationToken)
    {
        await using var connection = await _db.OpenConnectionAsync(cancellationToken);
        return (await EarlierAsync(connection, [apiKeyId], [idempotency.Key])).TryGetValue((apiKeyId, idempotency.Key), out var earlier) && Matches(earlier.Digest, idempotency)
            ? new(earlier.Job, Replayed: true)
            : null;
    }

    /// <summary>Stores a job in the transaction of a connection, and returns with it the entry to be put into its queue after the commit.</summary>
    public static async Task<(Job Job, QueueEntry Entry)> StoreAsync(NpgsqlConnection connection, NewJob job)
    {
        var item = Written(job);
        return ((await InsertAsync(connection, [item]))[0].Job, item.Entry);
    }

    // Not in the batch, so that a request that cannot be written fails alone.
    static Item Written(NewJob job)
    {
        ActivityContext.TryParse(job.TraceParent, job.TraceState, out var trace);
        return new(job, JsonSerializer.Serialize(job.Request, JobsJson.Default.JobRequest), trace, JobQueue.Prepare(job.Id, job.Request.Queue, trace));
    }

    async Task<IReadOnlyList<Intake>> InsertAsync(IReadOnlyList<Item> items)
    {
        var intakes = await _connection.UseAsync(connection => InsertAsync(connection, items));
        _ = _queue.EnqueueAsync([.. items.Zip(intakes).Where(stored => !stored.Second.Replayed).Select(stored => stored.First.Entry)]);
        return intakes;
    }

    static async Task<IReadOnlyList<Intake>> InsertAsync(NpgsqlConnection connection, IReadOnlyList<Item> items)
    {
        var lines = items.GroupBy(item => (item.Job.Request.Queue, item.Job.Request.Priority, item.Job.ApiKeyId, item.Job.ApiKeyName)).ToArray();
        var entrants = lines.SelectMany((line, l) => line.Select((item, n) => (Item: item, Line: l + 1, Behind: n))).ToArray();
        var stored = (await connection.Command(
            $"""
            insert into jobs (id, request, source_type, callback_url, queue, priority, api_key_id, api_key_name, trace_parent, trace_state, turn,
                ready_at, expires_at, concurrency_key, concurrency_limit, idempotency_key, request_digest, rerun_of, sealed, schedule)
            select id, request::json, source_type, callback_url, $1[line], $2[line], $3[line], $4[line], trace_parent, trace_state,
                -- an array, so that each line is looked up once
                case when not_before is null or not_before <= now() then behind +
                    (array(select {JobOrder.NextTurn} from unnest($1::text[], $2::smallint[], $3::uuid[]) as line (queue, priority, api_key_id)))[line] end,
                greatest(not_before, now()), expires_at, concurrency_key, concurrency_limit, idempotency_key, request_digest, rerun_of, sealed, schedule
            from unnest($5::int[], $6::int[], $7::uuid[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
                    $13::timestamptz[], $14::timestamptz[], $15::text[], $16::int[], $17::text[], $18::bytea[], $19::uuid[], $20::bytea[], $21::text[])
                as entrant (line, behind, id, request, source_type, callback_url, trace_parent, trace_state,
                    not_before, expires_at, concurrency_key, concurrency_limit, idempotency_key, request_digest, rerun_of, sealed, schedule)
            on conflict (api_key_id, idempotency_key) where idempotency_key is not null do nothing
            returning id, created_at, case when turn is null then ready_at end
            """,
            Array.ConvertAll(lines, line => line.Key.Queue),
            Array.ConvertAll(lines, line => (short)line.Key.Priority),
            Array.ConvertAll(lines, line => line.Key.ApiKeyId),
            Array.ConvertAll(lines, line => line.Key.ApiKeyName),
            Array.ConvertAll(entrants, entrant => entrant.Line),
            Array.ConvertAll(entrants, entrant => entrant.Behind),
            Column(item => item.Job.Id.Value),
            Column(item => item.Request),
            Column(item => item.Job.Request.Source!.Type!.Value.Word()),
            Column(item => item.Job.Request.CallbackUrl),
            Column(item => item.Entry.Span?.Id ?? item.Job.TraceParent),
            Column(item => item.Job.TraceState),
            Column(item => item.Job.Request.NotBefore?.ToUniversalTime()),
            Column(item => item.Job.Request.ExpiresAt?.ToUniversalTime()),
            Column(item => item.Job.Request.ConcurrencyKey),
            Column(item => item.Job.Request.ConcurrencyLimit ?? 1),
            Column(item => item.Job.Idempotency?.Key),
            Column(item => item.Job.Idempotency?.Digest),
            Column(item => item.Job.RerunOf?.Value),
            Column(item => item.Job.Sealed),
            Column(item => item.Job.Schedule))
            .QueryAsync(row => (Id: row.GetGuid(0), At: row.GetFieldValue<DateTimeOffset>(1), ReadyAt: row.Nullable<DateTimeOffset>(2)), CancellationToken.None))
            .ToDictionary(row => row.Id);
        var known = items.Where(item => !stored.ContainsKey(item.Job.Id.Value)).ToArray();
        var earlier = known.Length == 0 ? [] : await EarlierAsync(connection, [.. known.Select(item => item.Job.ApiKeyId)], [.. known.Select(item => item.Job.Idempotency?.Key)]);
        return [.. items.Select(Result)];

        T[] Column<T>(Func<Item, T> value) => Array.ConvertAll(entrants, entrant => value(entrant.Item));

        Intake Result(Item item)
        {
            if (stored.TryGetValue(item.Job.Id.Value, out var row))
                return new(Queued(item, row.At, row.ReadyAt));
            var (job, digest) = earlier[(item.Job.ApiKeyId, item.Job.Idempotency!.Key)];
            return new(job, Replayed: true, SameRequest: Matches(digest, item.Job.Idempotency));
        }
    }

    // A statement of its own: what the insert met may have been committed after it began.
    static async Task<Dictionary<(Guid, string), (Job Job, byte[] Digest)>> EarlierAsync(NpgsqlConnection connection, Guid[] apiKeyIds, string?[] idempotencyKeys) =>
        (await connection.Command(
            $"""
            select {JobRow.Columns}, api_key_id, idempotency_key, request_digest from jobs
            where (api_key_id, idempotency_key) in (select * from unnest($1::uuid[], $2::text[]))
            """,
            apiKeyIds, idempotencyKeys)
            .QueryAsync(row => (Key: (row.GetGuid(JobRow.Count), row.GetString(JobRow.Count + 1)), Earlier: (JobRow.Read(row), row.GetFieldValue<byte[]>(JobRow.Count + 2))), CancellationToken.None))
            .ToDictionary(row => row.Key, row => row.Earlier);

    static bool Matches(byte[] digest, Idempotency idempotency) => digest.AsSpan().SequenceEqual(idempotency.Digest);

    static Job Queued(Item item, DateTimeOffset createdAt, DateTimeOffset? readyAt) => new()
    {
        Id = item.Job.Id,
        Status = JobStatus.Queued,
        Request = item.Job.Request,
        ApiKeyName = item.Job.ApiKeyName,
        Attempt = 0,
        TraceId = item.Trace == default ? null : item.Trace.TraceId.ToHexString(),
        Trace = item.Trace,
        CreatedAt = createdAt,
        ReadyAt = readyAt,
        RerunOf = item.Job.RerunOf,
        Schedule = item.Job.Schedule,
    };

    sealed record Item(NewJob Job, string Request, ActivityContext Trace, QueueEntry Entry);
}
