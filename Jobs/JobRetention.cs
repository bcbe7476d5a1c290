using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>Which jobs are kept.</summary>
/// <param name="Age">Jobs that ended longer ago go.</param>
/// <param name="MaxJobs">Of more jobs the oldest go.</param>
public sealed record KeptJobs(TimeSpan Age, int MaxJobs);

/// <summary>A range of job ids: <paramref name="First"/> is in it, <paramref name="Beyond"/> is not.</summary>
public readonly record struct JobRange(Guid First, Guid Beyond);

/// <summary>What there may be to remove.</summary>
/// <param name="OldestKept">Jobs before it are more than are kept.</param>
/// <param name="Days">Days of which nothing is kept, with the jobs of each.</param>
/// <param name="Ranges">Where else jobs may lie whose time is over.</param>
public sealed record RemovableJobs(Guid OldestKept, IReadOnlyList<KeyValuePair<DateOnly, JobRange>> Days, IReadOnlyList<JobRange> Ranges);

/// <summary>
/// Removes old jobs with all that belongs to them. A job that has not ended stays, and so does one whose callback is still owed. The output of
/// a day of which nothing is kept goes by dropping its tables, that of other jobs row by row. Nobody who reads meanwhile waits for longer
/// than a moment. Two that do it at once do no harm.
/// </summary>
public sealed class JobRetention(NpgsqlDataSource db)
{
    const int MostJobs = 200;

    // Of the jobs of one call but the last. A second's work or less, as the leader has other duties.
    const int MostRows = 100_000;

    // A long text is cut into rows of 2 KiB; a piece of log has up to 64.
    const int RowsOfPiece = 32;

    // So that the tables are there even if nobody leads for a while.
    const int DaysAhead = 3;

    // A job with a million events takes seconds, and so does a look at some million jobs.
    const int Patience = 60;

    static readonly Guid Last = Guid.AllBitsSet;

    // $1: age, $2: the oldest job of those that are kept by number
    const string IsOver =
        """
        finished_at is not null and (finished_at < now() - $1 or id < $2)
        and not exists (select from webhook_deliveries where job_id = jobs.id and status = 'pending')
        """;

    /// <summary>Makes the tables of the days to come, and of those past days whose jobs are yet to run.</summary>
    public Task AddDaysAsync(KeptJobs kept, CancellationToken cancellationToken) =>
        db.Command(
            $"""
            select job_output_add_day(day) from (
                select today, today + generate_series(-$1::int, {DaysAhead}) as day from (select (now() at time zone 'UTC')::date as today) clock
            ) days
            where day not in (select day from job_output_days)
                and (day >= today or exists (select from jobs where status in ('queued', 'running') and id >= job_id_at(day) and id < job_id_at(day + 1)))
            """,
            (int)kept.Age.TotalDays)
            .ExecuteAsync(cancellationToken);

    /// <summary>Looks for what can be removed as things stand.</summary>
    public async Task<RemovableJobs> FindAsync(KeptJobs kept, CancellationToken cancellationToken)
    {
        var (oldestKept, end, future) = (await PatientCommand(
            $"""
            select oldest_kept, greatest(oldest_kept, job_id_at(now() - $1)), job_id_at((now() at time zone 'UTC')::date + {DaysAhead + 1})
            from (select coalesce((select id from jobs order by id desc offset $2 limit 1), job_id_at('-infinity'::timestamptz)) as oldest_kept) kept
            """,
            kept.Age, kept.MaxJobs - 1)
            .QueryAsync(row => (row.GetGuid(0), row.GetGuid(1), row.GetGuid(2)), cancellationToken)).Single();
        var days = await PatientCommand(
            $"""
            select day, first, beyond from job_output_days
            where beyond <= $3 and not exists (select from jobs where id >= first and id < beyond and not ({IsOver}))
            order by day
            """,
            kept.Age, oldestKept, end)
            .QueryAsync(row => KeyValuePair.Create(row.GetFieldValue<DateOnly>(0), new JobRange(row.GetGuid(1), row.GetGuid(2))), cancellationToken);
        // A wrong clock may have dated jobs into the future.
        return new(oldestKept, days, [new(Guid.Empty, end), new(future, Last)]);
    }

    /// <summary>
    /// Removes some of the jobs whose time is over, the oldest first, and returns how many: 0 when there are none.
    /// </summary>
    /// <param name="kept">Which are kept.</param>
    /// <param name="oldestKept">Those before it are more than are kept.</param>
    /// <param name="range">Where.</param>
    /// <param name="output">Whether to remove their output; false for a day whose tables are to be dropped.</param>
    /// <param name="cancellationToken">Gives up; then nothing is removed.</param>
    public Task<int> RemoveAsync(KeptJobs kept, Guid oldestKept, JobRange range, bool output, CancellationToken cancellationToken) =>
        PatientCommand(
            $"""
            with over as (
                select id from jobs where id >= $3 and id < $4 and {IsOver} order by id limit {MostJobs} for update skip locked
            ), doomed as (
                select id from (
                    select id, sum(rows) over (order by id rows between unbounded preceding and 1 preceding) as before
                    from (select id, case when $5 then job_last_event(id) + {RowsOfPiece} * job_last_log(id) end as rows from over) counted) summed
                where before < {MostRows} is not false
            ), events as (
                delete from job_events where $5 and job_id = any(array(select id from doomed))
            ), log as (
                delete from job_log where $5 and job_id = any(array(select id from doomed))
            )
            delete from jobs where id = any(array(select id from doomed))
            """,
            kept.Age, oldestKept, range.First, range.Beyond, output)
            .ExecuteAsync(cancellationToken);

    /// <summary>Drops the tables of a day, unless there are jobs of that day, whose output they hold.</summary>
    /// <exception cref="PostgresException">Somebody has been reading output for a while (<c>lock_not_available</c>).</exception>
    public async Task DropDayAsync(DateOnly day, JobRange jobs, CancellationToken cancellationToken)
    {
        // The one by which a day is known at last. Each in a transaction of its own, so that its readers do not wait for the other.
        foreach (var table in (string[])["job_events", "job_log"])
            await db.Command("select job_output_drop_day($1, $2) where not exists (select from jobs where id >= $3 and id < $4)", table, day, jobs.First, jobs.Beyond)
                .ExecuteAsync(cancellationToken);
    }

    NpgsqlCommand PatientCommand(string sql, params ReadOnlySpan<object?> values)
    {
        var command = db.Command(sql, values);
        command.CommandTimeout = Patience;
        return command;
    }
}
