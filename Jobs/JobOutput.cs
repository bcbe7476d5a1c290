using System.Text.Json;
using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>An event on its way to the store; <paramref name="Data"/> is JSON text, already free of secrets.</summary>
public sealed record OutputEvent(int Seq, DateTimeOffset At, string Type, string Data);

/// <summary>What a worker stores of a run in one round trip.</summary>
/// <param name="Events">Events, numbered without gaps within the job.</param>
/// <param name="LogSeq">Number of the piece of log, rising within the job.</param>
/// <param name="Log">Text that follows the last piece; empty stores none.</param>
public sealed record JobOutputBatch(IReadOnlyList<OutputEvent> Events, int LogSeq, string Log)
{
    /// <summary>Nothing to store.</summary>
    public static readonly JobOutputBatch Empty = new([], 0, "");

    /// <summary>The commit that runs; stored if <see cref="Provenance"/> is there.</summary>
    public string? Revision { get; init; }

    /// <summary>What runs, once it is known; null when it is stored already.</summary>
    public JobProvenance? Provenance { get; init; }
}

/// <summary>A piece of a job's log.</summary>
public sealed record LogPiece(int Seq, string Text);

/// <summary>Reads what workers stored of a run: of all attempts in order, or of one.</summary>
public sealed class JobOutput(NpgsqlDataSource db)
{
    /// <summary>Events after a sequence number, in order. The cost does not depend on how many there are.</summary>
    public Task<List<JobEvent>> EventsAsync(JobId id, int? attempt, int after, int limit, CancellationToken cancellationToken) =>
        db.Command($"select seq, attempt, at, type, data from job_events {Where(attempt)} order by seq limit $3", id.Value, after, limit, attempt)
            .QueryAsync(row => new JobEvent(
                row.GetInt32(0), row.GetInt32(1), row.GetFieldValue<DateTimeOffset>(2), row.GetString(3),
                JsonSerializer.Deserialize(row.GetString(4), JobsJson.Stored.JsonElement)), cancellationToken);

    /// <summary>Pieces of the log after a sequence number, in order.</summary>
    public Task<List<LogPiece>> LogAsync(JobId id, int? attempt, int after, int limit, CancellationToken cancellationToken) =>
        db.Command($"select seq, content from job_log {Where(attempt)} order by seq limit $3", id.Value, after, limit, attempt)
            .QueryAsync(row => new LogPiece(row.GetInt32(0), row.GetString(1)), cancellationToken);

    static string Where(int? attempt) => $"where job_id = $1 and seq > $2 and {(attempt is null ? "$4::int is null" : "attempt = $4")}";
}
