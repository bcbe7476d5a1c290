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
    readonly Batcher<Entrant, Intake> _inserts;

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
    /// Jobs that arrive together share one commit and one call to Redis, and each is answered only when it is on disk. It cannot be cancelled: a
    /// job that is on its way will be stored, and must be counted and queued.
    /// </summary>
    public Task<Intake> StoreAsync(NewJob job) => _inserts.RunAsync(Entrant.Of(job));

    /// <summary>The job that the caller's own name for a submission made before; null if it made none.</summary>
    public async Task<Intake?> ReplayAsync(Guid apiKeyId, Idempotency idempotency, CancellationToken cancellationToken)
    {
        await using var connection = await _db.OpenConnectionAsync(cancellationToken);
        return (await EarlierAsync(connection, [apiKeyId], [idempotency.Key])).TryGetValue((apiKeyId, idempotency.Key), out var earlier)
            ? Replay(earlier, idempotency)
            : null;
    }

    /// <summary>Stores a job in the transaction of a connection, and returns with it the entry to be put into its queue after the commit.</summary>
    public static async Task<(Job Job, QueueEntry Entry)> StoreAsync(NpgsqlConnection connection, NewJob job)
    {
        var entrant = Entrant.Of(job);
        return ((await InsertAsync(connection, [entrant]))[0].Job, entrant.Entry);
    }

    async Task<IReadOnlyList<Intake>> InsertAsync(IReadOnlyList<Entrant> entrants)
    {
        // Not with a key: another submission with it would be told of this job before it is on disk.
        if (entrants is [{ Job.Idempotency: null } lone] && _queue.IsHeard)
            return [await _connection.UseAsync(connection => InsertVisibleFirstAsync(connection, lone))];
        var intakes = await _connection.UseAsync(connection => InsertAsync(connection, entrants));
        _ = _queue.EnqueueAsync([.. entrants.Zip(intakes).Where(stored => !stored.Second.Replayed).Select(stored => stored.First.Entry)]);
        return intakes;
    }

    // Workers find the job while its row is on its way to disk. If Postgres dies meanwhile, nobody was told of the job; and a worker that claims it runs
    // it only once the claim is on disk, and with that the row, which was written before.
    async Task<Intake> InsertVisibleFirstAsync(NpgsqlConnection connection, Entrant entrant)
    {
        await using var batch = JobInsert.VisibleFirst(connection, entrant);
        await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
        await reader.ReadAsync(CancellationToken.None);
        var (_, createdAt, readyAt) = JobInsert.Read(reader);
        _ = _queue.EnqueueAsync([entrant.Entry]);
        await reader.NextResultAsync(CancellationToken.None);
        return new(Queued(entrant, createdAt, readyAt));
    }

    static async Task<IReadOnlyList<Intake>> InsertAsync(NpgsqlConnection connection, IReadOnlyList<Entrant> entrants)
    {
        var stored = (await JobInsert.Command(connection, entrants).QueryAsync(JobInsert.Read, CancellationToken.None)).ToDictionary(row => row.Id);
        var known = entrants.Where(entrant => !stored.ContainsKey(entrant.Job.Id.Value)).ToArray();
        var earlier = known.Length == 0 ? [] : await EarlierAsync(connection, [.. known.Select(entrant => entrant.Job.ApiKeyId)], [.. known.Select(entrant => entrant.Job.Idempotency?.Key)]);
        return [.. entrants.Select(Result)];

        Intake Result(Entrant entrant)
        {
            if (stored.TryGetValue(entrant.Job.Id.Value, out var row))
                return new(Queued(entrant, row.CreatedAt, row.ReadyAt));
            return Replay(earlier[(entrant.Job.ApiKeyId, entrant.Job.Idempotency!.Key)], entrant.Job.Idempotency);
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

    static Intake Replay((Job Job, byte[] Digest) earlier, Idempotency idempotency) =>
        new(earlier.Job, Replayed: true, SameRequest: earlier.Digest.AsSpan().SequenceEqual(idempotency.Digest));

    static Job Queued(Entrant entrant, DateTimeOffset createdAt, DateTimeOffset? readyAt) => new()
    {
        Id = entrant.Job.Id,
        Status = JobStatus.Queued,
        Request = entrant.Job.Request,
        ApiKeyName = entrant.Job.ApiKeyName,
        Attempt = 0,
        TraceId = entrant.Trace == default ? null : entrant.Trace.TraceId.ToHexString(),
        Trace = entrant.Trace,
        CreatedAt = createdAt,
        ReadyAt = readyAt,
        RerunOf = entrant.Job.RerunOf,
        Schedule = entrant.Job.Schedule,
    };
}
