using Microsoft.Extensions.Logging;
using Npgsql;

namespace AspireJobs.Jobs;

/// <summary>
/// What time does to jobs: leases run out, jobs come due, jobs expire. Done by the leader; done by two at once it does no harm, as each
/// statement decides on the rows as they then are.
/// </summary>
public sealed class JobUpkeep(NpgsqlDataSource db, ILogger<JobUpkeep> log)
{
    const int PageSize = 500;

    /// <summary>A job that has taken down as many workers is not tried again.</summary>
    public const int MostWorkersLost = 3;

    /// <summary>
    /// Settles jobs whose worker fell silent: failed, as a playbook is never run twice unasked, or queued for another attempt where the job asks
    /// for that, or cancelled where somebody has asked for that. Returns them as they then stand. None before workers have led for as long as a
    /// renewal takes to come: one that lives has renewed its leases by then, also those that ended while the database was away. The statement itself
    /// asks for that, as it may have waited for the database in the middle of a term.
    /// </summary>
    public Task<List<Job>> SettleLostAsync(CancellationToken cancellationToken) =>
        ReadableAsync(db.Command(
            $"""
            with lost as (
                select id as lost_id, workers_lost + 1 as losses, revision as ran,
                    coalesce(request ->> 'on_worker_lost', 'fail') = 'retry' and attempt - handed_back < coalesce((request ->> 'max_attempts')::int, {JobRetries.AttemptsWhenAsked})
                        and workers_lost + 1 < {MostWorkersLost} and cancel_requested_at is null as again,
                    json_build_object('error_type', case when cancel_requested_at is null then 'worker_lost' else 'cancelled' end, 'message', format('worker %s was not heard of for too long%s', worker_id,
                        case when workers_lost + 1 >= {MostWorkersLost} then format('; the job has taken down %s workers and is not tried again', workers_lost + 1) end)) as why
                from jobs where status = 'running' and lease_expires_at < now()
                    and exists (select from leader where expires_at > now() and led_since <= now() - $1)
                order by lease_expires_at limit {PageSize} for update skip locked
            ), attempts as (
                insert into job_attempts (job_id, attempt, worker_id, started_at, finished_at, outcome, failure, revision)
                select id, attempt, worker_id, started_at, now(), 'worker_lost', why, ran from lost join jobs on id = lost_id
                where again and id = any(array(select lost_id from lost))
            )
            update jobs set
                status = case when again then 'queued' when cancel_requested_at is null then 'failed' else 'cancelled' end,
                outcome = case when not again then why ->> 'error_type' end,
                finished_at = case when not again then now() end,
                failure = case when not again then why end,
                ready_at = case when again then now() + job_retry_delay(request, attempt - handed_back) else ready_at end,
                workers_lost = losses, lease_expires_at = null
            from lost where id = any(array(select lost_id from lost)) and id = lost_id
            returning {JobRow.Columns}
            """, JobLeases.Renewal), cancellationToken);

    /// <summary>Puts jobs whose time has come into the line of their queue. Returns how many.</summary>
    public Task<int> AdmitDueAsync(CancellationToken cancellationToken) =>
        db.Command(
            $"""
            with entrant as materialized (
                select id, queue, priority, api_key_id from jobs
                where status = 'queued' and turn is null and ready_at <= now()
                order by ready_at limit {PageSize} for update skip locked
            ), line as materialized (
                select line.*, {JobOrder.NextTurn} as turn from (select distinct queue, priority, api_key_id from entrant) line
            ), placed as (
                select entrant.id, line.turn + row_number() over (partition by queue, priority, api_key_id order by entrant.id) - 1 as turn
                from entrant join line using (queue, priority, api_key_id)
            )
            update jobs set turn = placed.turn from placed where jobs.id = any(array(select id from placed)) and jobs.id = placed.id
            """)
            .ExecuteAsync(cancellationToken);

    /// <summary>Fails jobs that did not start in the time that their callers gave them. Returns them.</summary>
    public Task<List<Job>> ExpireAsync(CancellationToken cancellationToken) =>
        ReadableAsync(db.Command(
            $"""
            update jobs set status = 'failed', outcome = 'expired', turn = null, started_at = null, finished_at = now(),
                failure = json_build_object('error_type', 'expired',
                    'message', case attempt when 0 then 'it did not start before its expires_at' else 'its next attempt did not start before its expires_at' end)
            where id in (
                select id from jobs where status = 'queued' and expires_at <= now()
                order by expires_at limit {PageSize} for update skip locked
            )
            returning {JobRow.Columns}
            """), cancellationToken);

    async Task<List<Job>> ReadableAsync(NpgsqlCommand command, CancellationToken cancellationToken) =>
        [.. (await command.QueryAsync(row => JobRow.TryRead(row, log), cancellationToken)).OfType<Job>()];
}
