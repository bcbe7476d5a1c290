using System.Diagnostics;
using System.Text.Json;
using AspireJobs.Jobs.Credentials;
using Npgsql;

namespace AspireJobs.Jobs.Schedules;

/// <summary>What became of a schedule whose time had come.</summary>
/// <param name="Schedule">Its name.</param>
/// <param name="At">The time for which it fired, or should have.</param>
/// <param name="Result">What became of that.</param>
/// <param name="Missed">How many times were too late to fire for.</param>
/// <param name="Job">The job that was submitted, if one was.</param>
/// <param name="Entry">What is to be put into the queue for it.</param>
/// <param name="HeldBy">The job that is not final, if the fire was skipped.</param>
public sealed record Fire(string Schedule, DateTimeOffset At, FireResult Result, int Missed, Job? Job, QueueEntry Entry, JobId? HeldBy);

/// <summary>The leader's side of the schedules.</summary>
public sealed class ScheduleFires(NpgsqlDataSource db, SecretVars secretVars, TimeProvider time)
{
    const int PageSize = 500;

    /// <summary>Names of schedules whose time has come.</summary>
    public Task<List<string>> DueAsync(CancellationToken cancellationToken) =>
        db.Command($"select name from schedules where next_at <= now() order by next_at limit {PageSize}").QueryAsync(row => row.GetString(0), cancellationToken);

    /// <summary>
    /// Fires a schedule: stores its job and sets its next time in one transaction that holds the schedule's row, so that of two who do it at the
    /// same time one does it. Null: another one has, or is about to. The job's trace is the current one.
    /// </summary>
    public async Task<Fire?> FireAsync(string name, CancellationToken cancellationToken)
    {
        await using var connection = await db.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await LockAsync(connection, name, cancellationToken) is not { } row)
            return null;
        var due = Timetable.Of(row.Cron, row.TimeZone).At(row.NextAt, row.Now, row.CatchUp);
        var result = !due.Fires ? FireResult.Missed : row.HeldBy is null ? FireResult.Submitted : FireResult.Skipped;
        var (job, entry) = result == FireResult.Submitted ? await JobIntake.StoreAsync(connection, NewJob(name, row)) : default((Job?, QueueEntry));
        await connection.Command(
            """
            update schedules set next_at = $2::timestamptz, last_at = $3, last_result = $4, last_job_id = coalesce($5::uuid, last_job_id),
                submitted = submitted + ($4 = 'submitted')::int, skipped = skipped + ($4 = 'skipped')::int, missed = missed + $6,
                missed_at = case when $6 > 0 then now() else missed_at end
            where name = $1
            """,
            name, due.Next, due.At, result.Word(), job?.Id.Value, due.Missed).ExecuteAsync(cancellationToken);
        // From here on it must be told, so it is not given up.
        await transaction.CommitAsync(CancellationToken.None);
        return new Fire(name, due.At, result, due.Missed, job, entry, result == FireResult.Skipped ? row.HeldBy : null);
    }

    /// <summary>Notes that a schedule is due and cannot be fired, for whoever watches for missed times. Its time stays, and counts as missed once it is too late.</summary>
    public Task CannotFireAsync(string name, CancellationToken cancellationToken) =>
        db.Command("update schedules set missed_at = now() where name = $1 and next_at <= now() and (missed_at > now() - interval '1 minute') is not true", name)
            .ExecuteAsync(cancellationToken);

    static async Task<Row?> LockAsync(NpgsqlConnection connection, string name, CancellationToken cancellationToken) =>
        (await connection.Command(
            """
            select next_at, now(), cron, time_zone, catch_up_seconds, request, sealed, api_key_id, api_keys.name,
                case overlap when 'skip' then (select id from jobs where id = last_job_id and status in ('queued', 'running')) end
            from schedules join api_keys on api_keys.id = api_key_id
            where schedules.name = $1 and next_at <= now()
            for update of schedules skip locked
            """,
            name)
            .QueryAsync(row => new Row(
                row.GetFieldValue<DateTimeOffset>(0), row.GetFieldValue<DateTimeOffset>(1), row.GetString(2), row.GetString(3), TimeSpan.FromSeconds(row.GetInt32(4)),
                row.GetString(5), row.IsDBNull(6) ? null : row.GetFieldValue<byte[]>(6), row.GetGuid(7), row.GetString(8),
                row.Nullable<Guid>(9) is { } id ? new JobId(id) : null), cancellationToken)).SingleOrDefault();

    NewJob NewJob(string name, Row row)
    {
        var id = JobId.Create(time);
        Activity.Current?.SetTag("job.id", id.ToString());
        return new NewJob(id, JsonSerializer.Deserialize(row.Request, JobsJson.Stored.JobRequest)!, row.ApiKeyId, row.ApiKeyName, Activity.Current?.Id, Activity.Current?.TraceStateString)
        {
            Sealed = row.Sealed is null ? null : secretVars.Reseal(name, row.Sealed, id),
            Schedule = name,
        };
    }

    sealed record Row(
        DateTimeOffset NextAt, DateTimeOffset Now, string Cron, string TimeZone, TimeSpan CatchUp, string Request, byte[]? Sealed,
        Guid ApiKeyId, string ApiKeyName, JobId? HeldBy);
}
