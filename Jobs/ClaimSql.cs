namespace AspireJobs.Jobs;

/// <summary>
/// The statements of a claim: <c>$1</c> worker, <c>$2</c> duration of the lease, <c>$3</c> how many jobs at most, <c>$4</c> how many of each queue to look
/// at, <c>$5</c> the queues, null for all.
/// </summary>
static class ClaimSql
{
    /// <summary>What a claimed job is made of.</summary>
    public const string Columns =
        $"""
        {JobRow.Columns}, trace_parent, trace_state, ready_at,
            case when attempt > 1 then job_last_event(id) else 0 end,
            case when attempt > 1 then job_last_log(id) else 0 end,
            case when attempt > 1 then (select former.trace_parent from job_attempts former where former.job_id = jobs.id and former.attempt = jobs.attempt - 1) end,
            handed_back
        """;

    // Of a queue's jobs in their order, behind the limit, where they come in it and need no sorting.
    const string NthOfLine = $"row_number() over (order by {JobOrder.By}) - rank() over (order by priority desc) as nth_of_line";

    // By the time of the statement: that of the transaction is the one before it waited for its turn, which is right only for the lease.
    const string MayStart = "turn is not null and queue = open_queue.name and (expires_at is null or expires_at > statement_timestamp())";

    const string IsOpen = "not paused and ($5::text[] is null or name = any($5)) and not exists (select from workers where id = $1 and draining)";

    // Lines count as served only where somebody is left to be unfair to.
    const string Taken =
        $"""
        served as (
            insert into lines (queue, priority, served, served_at)
            select queue, priority, max(turn), clock_timestamp() from chosen
            where (select count(*) from candidate) > (select count(*) from chosen)
            group by queue, priority
            on conflict (queue, priority) do update set served = greatest(lines.served, excluded.served), served_at = excluded.served_at
        )
        update jobs set status = 'running', turn = null, attempt = attempt + 1, worker_id = $1, started_at = statement_timestamp(), lease_expires_at = now() + $2,
            -- those of the attempt before
            revision = null, provenance = null
        -- "is true" keeps the planner from walking all queued rows by their status, as it does on a table that it takes for small
        where id = any(array(select id from chosen)) and (status = 'queued') is true
        returning {Columns}
        """;

    /// <summary>
    /// In three quarters of the time of <see cref="Limited"/>, where no open queue, no caller and no job at the head is limited, so that the first jobs
    /// are those that start. Else it takes none.
    /// </summary>
    public static readonly string Unlimited =
        $"""
        with open_queue as (
            select name, max_running from queues where {IsOpen}
        ), candidate as (
            select waiting.*, served_at
            from open_queue
            cross join lateral (
                select *, {NthOfLine}
                from (select id, priority, turn, queue, concurrency_key from jobs where {MayStart} order by {JobOrder.By} limit $4) ready
            ) waiting
            left join lines on lines.queue = waiting.queue and lines.priority = waiting.priority
        ), chosen as (
            select id, queue, priority, turn from candidate
            where not exists (select from open_queue where max_running is not null)
                and not exists (select from api_keys where max_running is not null)
                and not exists (select from candidate where concurrency_key is not null)
            order by {JobOrder.AcrossQueues}
            limit $3
        ), {Taken}
        """;

    /// <summary>Passes over what may not start.</summary>
    public static readonly string Limited =
        $"""
        with running as materialized (
            select jsonb_object_agg(what, jobs) as jobs from (
                select what, count(*) as jobs
                from jobs, lateral (values ('queue ' || queue), ('caller ' || api_key_id), ('key ' || concurrency_key)) as limited (what)
                where status = 'running' and what is not null
                group by what) counted
        ), caller as materialized (
            select id, max_running - {Running("caller", "id")} as room from api_keys where max_running is not null
        ), open_queue as materialized (
            select name, case when max_running is not null then max_running - {Running("queue", "name")} end as room from queues where {IsOpen}
        ), candidate as (
            select waiting.*, served_at, open_queue.room as queue_room, caller.room as caller_room
            from open_queue
            cross join lateral (
                select *, {NthOfLine}, row_number() over (order by {JobOrder.By}) as nth_of_queue
                from (
                    select id, priority, turn, queue, api_key_id, concurrency_key,
                        case when concurrency_key is not null then concurrency_limit - {Running("key", "concurrency_key")} end as key_room
                    from jobs
                    where {MayStart}
                        and api_key_id not in (select id from caller where room <= 0)
                        and (concurrency_key is null or concurrency_limit > {Running("key", "concurrency_key")})
                    order by {JobOrder.By}
                    limit $4) ready
            ) waiting
            left join lines on lines.queue = waiting.queue and lines.priority = waiting.priority
            left join caller on caller.id = waiting.api_key_id
            where open_queue.room is null or open_queue.room > 0
        ), chosen as (
            select id, queue, priority, turn from (
                select *,
                    row_number() over (partition by api_key_id order by {JobOrder.AcrossQueues}) as nth_of_caller,
                    row_number() over (partition by concurrency_key order by {JobOrder.AcrossQueues}) as nth_of_key
                from candidate) numbered
            where (queue_room is null or nth_of_queue <= queue_room)
                and (caller_room is null or nth_of_caller <= caller_room)
                and (key_room is null or nth_of_key <= key_room)
            order by {JobOrder.AcrossQueues}
            limit $3
        ), {Taken}
        """;

    // How many jobs run of a queue, a caller or a concurrency key. Asked for each job that stands in line, so they are counted once for all
    // values, and looked up in an object: among joins and subqueries the planner might choose one that counts again each time.
    static string Running(string what, string value) => $"coalesce(((select jobs from running) -> ('{what} ' || {value}))::int, 0)";
}
