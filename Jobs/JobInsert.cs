using System.Diagnostics;
using System.Text.Json;
using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>A job on its way into the table.</summary>
/// <param name="Job">The job.</param>
/// <param name="Request">Its request as it is stored.</param>
/// <param name="Trace">The submission.</param>
/// <param name="Entry">What is to be put into its queue when it is stored.</param>
sealed record Entrant(NewJob Job, string Request, ActivityContext Trace, QueueEntry Entry)
{
    // Each by itself, so that a request that cannot be written fails alone.
    public static Entrant Of(NewJob job)
    {
        ActivityContext.TryParse(job.TraceParent, job.TraceState, out var trace);
        return new(job, JsonSerializer.Serialize(job.Request, JobsJson.Default.JobRequest), trace, JobQueue.Prepare(job.Id, job.Request.Queue, trace));
    }
}

/// <summary>The statement that stores new jobs: a lone one from plain values, several from arrays, which take Postgres a third longer for one.</summary>
static class JobInsert
{
    // What jobs of one line have in common, and what each has of its own.
    static readonly Column[] OfLine =
    [
        new Column<string>("queue", entrant => entrant.Job.Request.Queue),
        new Column<short>("priority", entrant => (short)entrant.Job.Request.Priority),
        new Column<Guid>("api_key_id", entrant => entrant.Job.ApiKeyId),
        new Column<string>("api_key_name", entrant => entrant.Job.ApiKeyName),
    ];

    static readonly Column[] OfJob =
    [
        new Column<Guid>("id", entrant => entrant.Job.Id.Value),
        new Column<string>("request", entrant => entrant.Request),
        new Column<string>("source_type", entrant => entrant.Job.Request.Source!.Type!.Value.Word()),
        new Column<string?>("callback_url", entrant => entrant.Job.Request.CallbackUrl),
        new Column<string?>("trace_parent", entrant => entrant.Entry.Span?.Id ?? entrant.Job.TraceParent),
        new Column<string?>("trace_state", entrant => entrant.Job.TraceState),
        new Column<DateTimeOffset?>("not_before", entrant => entrant.Job.Request.NotBefore?.ToUniversalTime()),
        new Column<DateTimeOffset?>("expires_at", entrant => entrant.Job.Request.ExpiresAt?.ToUniversalTime()),
        new Column<string?>("concurrency_key", entrant => entrant.Job.Request.ConcurrencyKey),
        new Column<int>("concurrency_limit", entrant => entrant.Job.Request.ConcurrencyLimit ?? 1),
        new Column<string?>("idempotency_key", entrant => entrant.Job.Idempotency?.Key),
        new Column<byte[]?>("request_digest", entrant => entrant.Job.Idempotency?.Digest),
        new Column<Guid?>("rerun_of", entrant => entrant.Job.RerunOf?.Value),
        new Column<byte[]?>("sealed", entrant => entrant.Job.Sealed),
        new Column<string?>("schedule", entrant => entrant.Job.Schedule),
    ];

    static readonly Column[] All = [.. OfLine, .. OfJob];

    static readonly string LoneLine = $"(select {Sql(All, (column, number) => $"${number} as {column.Name}")}) as line";

    static readonly string One = Insert(turn: JobOrder.NextTurn, from: LoneLine);

    // The setting holds for the transaction, which is this statement.
    static readonly string OneWithoutFlush = Insert(turn: JobOrder.NextTurn, from: $"{LoneLine} where set_config('synchronous_commit', 'off', true) is not null");

    static readonly string Several = Insert(
        // An array, so that each line is looked up once.
        turn: $"behind + (array(select {JobOrder.NextTurn} from unnest($1, $2, $3) as line (queue, priority, api_key_id)))[line]",
        from: $"""
            unnest({Sql(OfJob, (_, number) => $"${OfLine.Length + number}")}, ${All.Length + 1}, ${All.Length + 2}) as entrant ({Sql(OfJob, (column, _) => column.Name)}, line, behind)
            cross join lateral (select {Sql(OfLine, (column, number) => $"(${number})[line] as {column.Name}")}) as of_line
            """);

    /// <summary>Stores the jobs; of those whose idempotency key is known no row comes back.</summary>
    public static NpgsqlCommand Command(NpgsqlConnection connection, IReadOnlyList<Entrant> entrants)
    {
        var command = new NpgsqlCommand(entrants.Count == 1 ? One : Several, connection);
        command.Parameters.AddRange(entrants.Count == 1 ? Values(entrants[0]) : Arrays(entrants));
        return command;
    }

    /// <summary>Stores a lone job so that others see it before it is on disk: the first result tells of the row, the second comes when it is there.</summary>
    public static NpgsqlBatch VisibleFirst(NpgsqlConnection connection, Entrant entrant)
    {
        var insert = new NpgsqlBatchCommand(OneWithoutFlush) { AppendErrorBarrier = true };
        insert.Parameters.AddRange(Values(entrant));
        var batch = connection.CreateBatch();
        batch.BatchCommands.Add(insert);
        // A transaction that leaves nothing but its commit, which is flushed with all that was written before it.
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select pg_logical_emit_message(true, '', '')"));
        return batch;
    }

    static NpgsqlParameter[] Values(Entrant entrant) => Array.ConvertAll(All, column => column.Of(entrant));

    static NpgsqlParameter[] Arrays(IReadOnlyList<Entrant> entrants)
    {
        var lines = entrants.GroupBy(entrant => (entrant.Job.Request.Queue, entrant.Job.Request.Priority, entrant.Job.ApiKeyId)).Select(line => line.ToArray()).ToArray();
        var heads = Array.ConvertAll(lines, line => line[0]);
        var places = lines.SelectMany((line, l) => line.Select((_, behind) => (Line: l + 1, Behind: behind))).ToArray();
        var inOrder = lines.SelectMany(line => line).ToArray();
        return
        [
            .. OfLine.Select(column => column.Of(heads)),
            .. OfJob.Select(column => column.Of(inOrder)),
            new NpgsqlParameter<int[]> { TypedValue = Array.ConvertAll(places, place => place.Line) },
            new NpgsqlParameter<int[]> { TypedValue = Array.ConvertAll(places, place => place.Behind) },
        ];
    }

    /// <summary>What the database decided: when the job was stored, and when it may start if that is later.</summary>
    public static (Guid Id, DateTimeOffset CreatedAt, DateTimeOffset? ReadyAt) Read(NpgsqlDataReader row) =>
        (row.GetGuid(0), row.GetFieldValue<DateTimeOffset>(1), row.Nullable<DateTimeOffset>(2));

    static string Insert(string turn, string from) =>
        $"""
        insert into jobs (id, request, source_type, callback_url, queue, priority, api_key_id, api_key_name, trace_parent, trace_state, turn,
            ready_at, expires_at, concurrency_key, concurrency_limit, idempotency_key, request_digest, rerun_of, sealed, schedule)
        select id, request::json, source_type, callback_url, queue, priority, api_key_id, api_key_name, trace_parent, trace_state,
            case when not_before is null or not_before <= now() then {turn} end,
            greatest(not_before, now()), expires_at, concurrency_key, concurrency_limit, idempotency_key, request_digest, rerun_of, sealed, schedule
        from {from}
        on conflict (api_key_id, idempotency_key) where idempotency_key is not null do nothing
        returning id, created_at, case when turn is null then ready_at end
        """;

    static string Sql(Column[] columns, Func<Column, int, string> each) => string.Join(", ", columns.Select((column, index) => each(column, index + 1)));

    abstract record Column(string Name)
    {
        public abstract NpgsqlParameter Of(Entrant entrant);
        public abstract NpgsqlParameter Of(Entrant[] entrants);
    }

    // Typed also where there is no value: statements are prepared for the types of their parameters.
    sealed record Column<T>(string Name, Func<Entrant, T> Value) : Column(Name)
    {
        public override NpgsqlParameter Of(Entrant entrant) => new NpgsqlParameter<T> { TypedValue = Value(entrant) };
        public override NpgsqlParameter Of(Entrant[] entrants) => new NpgsqlParameter<T[]> { TypedValue = Array.ConvertAll(entrants, entrant => Value(entrant)) };
    }
}
