using System.Text.Json;
using AspireJobs.Jobs.Credentials;
using Cronos;
using Npgsql;

namespace AspireJobs.Jobs.Schedules;

/// <summary>What became of a change of a schedule.</summary>
/// <param name="Schedule">The schedule as it then stands, or as it was before it was deleted; null if there is none.</param>
/// <param name="Changed">False: there is none, it belongs to another caller, or another change was faster.</param>
/// <param name="Made">It is new.</param>
public sealed record ScheduleChange(Schedule? Schedule, bool Changed, bool Made = false);

/// <summary>The callers' side of the schedules. Only a schedule's owner changes it, or who may change all.</summary>
public sealed class ScheduleStore(NpgsqlDataSource db, SecretVars secretVars, TimeProvider time)
{
    const int TimesShown = 5;

    /// <summary>
    /// Makes a schedule, or gives it another plan; its owner and its history stay. A time that is due stays due, unless the plan has other times.
    /// Null: the API key of the caller, to whom it would belong, has been deleted.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="plan">A plan without faults.</param>
    /// <param name="caller">The API key of the caller, to whom a new schedule belongs.</param>
    /// <param name="changesAll">The caller may change the schedules of others.</param>
    /// <param name="cancellationToken">Gives up waiting for the answer.</param>
    public async Task<ScheduleChange?> SetAsync(string name, SchedulePlan plan, Guid caller, bool changesAll, CancellationToken cancellationToken)
    {
        var request = JsonSerializer.Serialize(SecretVars.Masked(plan.Request!), JobsJson.Default.JobRequest);
        var secrets = secretVars.SealSchedule(name, plan.Request!);
        var schedule = await FindAsync(name, cancellationToken);
        try
        {
            while (true)
            {
                var known = schedule;
                var made = await db.Command(
                    """
                    insert into schedules (name, api_key_id, cron, time_zone, overlap, catch_up_seconds, paused, request, sealed, next_at)
                    values ($1, $2, $4, $5, $6, $7, $8, $9::json, $10::bytea, $11::timestamptz)
                    on conflict (name) do update set
                        cron = excluded.cron, time_zone = excluded.time_zone, overlap = excluded.overlap, catch_up_seconds = excluded.catch_up_seconds,
                        paused = excluded.paused, request = excluded.request, sealed = excluded.sealed, updated_at = now(),
                        next_at = case
                            when (schedules.cron, schedules.time_zone, schedules.paused) = (excluded.cron, excluded.time_zone, excluded.paused) then schedules.next_at
                            else excluded.next_at
                        end
                    where (schedules.api_key_id = $2 or $3) and schedules.last_at is not distinct from $12::timestamptz
                    returning xmax = 0
                    """,
                    name, caller, changesAll, plan.Cron, plan.TimeZone, plan.Overlap.Word(), plan.CatchUpSeconds, plan.Paused, request, secrets,
                    plan.Paused ? null : Next(plan.Cron!, plan.TimeZone, known?.LastAt), known?.LastAt)
                    .QueryAsync(row => row.GetBoolean(0), cancellationToken);
                schedule = await FindAsync(name, cancellationToken);
                // It may have fired meanwhile.
                if (made.Count == 1 || schedule?.LastAt == known?.LastAt)
                    return new ScheduleChange(schedule, Changed: made.Count == 1, Made: made is [true]);
            }
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            return null;
        }
    }

    /// <summary>
    /// Pauses a schedule, or has a paused one fire again from its next time on. Times that pass meanwhile are neither made up nor counted as
    /// missed. One that cannot fire stays paused.
    /// </summary>
    public async Task<ScheduleChange> PauseAsync(string name, bool paused, Guid caller, bool changesAll, CancellationToken cancellationToken)
    {
        var schedule = await FindAsync(name, cancellationToken);
        while (schedule is { } known && (paused || known.Fault is null))
        {
            var changed = await db.Command(
                """
                update schedules set paused = $4, next_at = case when paused = $4 then next_at else $5::timestamptz end, updated_at = now()
                where name = $1 and (api_key_id = $2 or $3) and (cron, time_zone) = ($6, $7) and last_at is not distinct from $8::timestamptz
                """,
                name, caller, changesAll, paused, paused ? null : Next(known.Cron, known.TimeZone, known.LastAt), known.Cron, known.TimeZone, known.LastAt)
                .ExecuteAsync(cancellationToken);
            schedule = await FindAsync(name, cancellationToken);
            // Somebody may have given it other times meanwhile, or it fired.
            if (changed == 1 || schedule is not null && (schedule.Cron, schedule.TimeZone, schedule.LastAt) == (known.Cron, known.TimeZone, known.LastAt))
                return new ScheduleChange(schedule, Changed: changed == 1);
        }
        return new ScheduleChange(schedule, false);
    }

    // Not a time that has fired, which this machine's clock may not have reached yet.
    DateTimeOffset? Next(string cron, string timeZone, DateTimeOffset? lastAt)
    {
        var now = time.GetUtcNow();
        return Timetable.Of(cron, timeZone).NextAfter(lastAt > now ? lastAt.Value : now);
    }

    /// <summary>Removes a schedule; the jobs that it submitted stay.</summary>
    public async Task<ScheduleChange> DeleteAsync(string name, Guid caller, bool changesAll, CancellationToken cancellationToken)
    {
        var schedule = await FindAsync(name, cancellationToken);
        var deleted = await db.Command("delete from schedules where name = $1 and (api_key_id = $2 or $3)", name, caller, changesAll).ExecuteAsync(cancellationToken);
        return new ScheduleChange(schedule, deleted == 1);
    }

    /// <summary>All schedules by name.</summary>
    public Task<List<Schedule>> ListAsync(CancellationToken cancellationToken) => QueryAsync(null, cancellationToken);

    /// <summary>The schedule, or null.</summary>
    public async Task<Schedule?> FindAsync(string name, CancellationToken cancellationToken) => (await QueryAsync(name, cancellationToken)).SingleOrDefault();

    Task<List<Schedule>> QueryAsync(string? name, CancellationToken cancellationToken) =>
        db.Command(
            """
            select schedules.name, api_keys.name, cron, time_zone, overlap, catch_up_seconds, paused, request, next_at, last_at, last_result, last_job_id,
                submitted, skipped, missed, schedules.created_at, updated_at
            from schedules join api_keys on api_keys.id = api_key_id
            where $1::text is null or schedules.name = $1
            order by schedules.name
            """,
            name)
            .QueryAsync(Read, cancellationToken);

    // One that cannot be read whole, as this machine no longer knows its time zone or a later version wrote it, is still to be seen, changed and deleted.
    static Schedule Read(NpgsqlDataReader row)
    {
        var schedule = ReadPlain(row);
        try
        {
            schedule = schedule with { Request = JsonSerializer.Deserialize(row.GetString(7), JobsJson.Stored.JobRequest)! };
            return schedule with { NextAt = Timetable.Of(schedule.Cron, schedule.TimeZone).From(row.Nullable<DateTimeOffset>(8), TimesShown) };
        }
        catch (Exception e) when (e is JsonException or CronFormatException or TimeZoneNotFoundException or InvalidTimeZoneException)
        {
            return schedule with { Fault = $"{(e is JsonException ? "its request cannot be read" : "its times cannot be told")}: {e.Message}" };
        }
    }

    static Schedule ReadPlain(NpgsqlDataReader row) => new()
    {
        Name = row.GetString(0),
        ApiKeyName = row.GetString(1),
        Cron = row.GetString(2),
        TimeZone = row.GetString(3),
        Overlap = SnakeCase.Value<Overlap>(row.GetString(4)),
        CatchUpSeconds = row.GetInt32(5),
        Paused = row.GetBoolean(6),
        LastAt = row.Nullable<DateTimeOffset>(9),
        LastResult = row.Text(10) is { } result ? SnakeCase.Value<FireResult>(result) : null,
        LastJobId = row.Nullable<Guid>(11) is { } job ? new JobId(job) : null,
        Submitted = row.GetInt64(12),
        Skipped = row.GetInt64(13),
        Missed = row.GetInt64(14),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(15),
        UpdatedAt = row.GetFieldValue<DateTimeOffset>(16),
    };
}
