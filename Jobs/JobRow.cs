using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>How a row of <c>jobs</c> becomes a <see cref="Job"/>.</summary>
static class JobRow
{
    public const string Columns =
        "id, status, outcome, request, api_key_name, attempt, worker_id, cancel_requested_at is not null, " +
        "revision, exit_code, failure, hosts, trace_parent, created_at, started_at, finished_at, " +
        "case when status = 'queued' and turn is null then ready_at end, rerun_of, provenance, schedule";

    /// <summary>Number of <see cref="Columns"/>, for queries that append more.</summary>
    public const int Count = 20;

    /// <summary>The job, or null and a line in the log: one row that a later version wrote must not cost the others what they are read for.</summary>
    public static Job? TryRead(NpgsqlDataReader row, ILogger log)
    {
        try
        {
            return Read(row);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException)
        {
            log.JobUnreadable(e, new JobId(row.GetGuid(0)));
            return null;
        }
    }

    public static Job Read(NpgsqlDataReader row) => new()
    {
        Id = new JobId(row.GetGuid(0)),
        Status = SnakeCase.Value<JobStatus>(row.GetString(1)),
        Outcome = row.Text(2) is { } outcome ? SnakeCase.Value<JobOutcome>(outcome) : null,
        Request = JsonSerializer.Deserialize(row.GetString(3), JobsJson.Stored.JobRequest)!,
        ApiKeyName = row.GetString(4),
        Attempt = row.GetInt32(5),
        WorkerId = row.Text(6),
        CancelRequested = row.GetBoolean(7),
        Revision = row.Text(8),
        ExitCode = row.Nullable<int>(9),
        Failure = Failure(row, 10),
        Hosts = Hosts(row, 11),
        TraceId = ActivityContext.TryParse(row.Text(12), null, out var trace) ? trace.TraceId.ToHexString() : null,
        Trace = trace,
        CreatedAt = row.GetFieldValue<DateTimeOffset>(13),
        StartedAt = row.Nullable<DateTimeOffset>(14),
        FinishedAt = row.Nullable<DateTimeOffset>(15),
        ReadyAt = row.Nullable<DateTimeOffset>(16),
        RerunOf = row.Nullable<Guid>(17) is { } original ? new JobId(original) : null,
        Provenance = row.Text(18) is { } provenance ? JsonSerializer.Deserialize(provenance, JobsJson.Stored.JobProvenance) : null,
        Schedule = row.Text(19),
    };

    public static JobFailure? Failure(NpgsqlDataReader row, int column) =>
        row.Text(column) is { } failure ? JsonSerializer.Deserialize(failure, JobsJson.Stored.JobFailure) : null;

    public static IReadOnlyDictionary<string, HostSummary>? Hosts(NpgsqlDataReader row, int column) =>
        row.Text(column) is { } hosts ? JsonSerializer.Deserialize(hosts, JobsJson.Stored.IReadOnlyDictionaryStringHostSummary) : null;
}
