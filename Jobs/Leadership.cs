using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>Which worker does the work that one must do alone, decided by a lease in Postgres.</summary>
public sealed class Leadership(NpgsqlDataSource db)
{
    /// <summary>How long a term holds unless it is renewed; so long at most nobody leads after a leader died.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(4);

    /// <summary>A pause without a leader that is longer was one of the database. No lease of a worker that lives ends in a shorter one.</summary>
    static readonly TimeSpan LongestPause = JobLeases.Duration / 2 - Duration;

    /// <summary>
    /// Takes or keeps the lead, and notes since when workers have led without a pause, this one and those before it. False: another worker has the
    /// lead.
    /// </summary>
    public async Task<bool> LeadAsync(string workerId, CancellationToken cancellationToken) =>
        await db.Command(
            """
            insert into leader (worker_id, expires_at) values ($1, now() + $2)
            on conflict (only_row) do update set worker_id = $1, expires_at = now() + $2, term = leader.term + (leader.worker_id <> $1)::int,
                led_since = case when leader.expires_at < now() - $3 then now() else leader.led_since end
            where leader.worker_id = $1 or leader.expires_at <= now()
            """,
            workerId, Duration, LongestPause)
            .ExecuteAsync(cancellationToken) == 1;

    /// <summary>Gives up the lead, if the worker has it, so that another can take it at once.</summary>
    public Task ResignAsync(string workerId, CancellationToken cancellationToken) =>
        db.Command("update leader set expires_at = now() where worker_id = $1", workerId).ExecuteAsync(cancellationToken);
}
