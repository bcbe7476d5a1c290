-- Queues, order and limits; attempts; who leads. docs/job-states.md tells how it works together.

create table queues (
    name        text primary key,
    -- null: no limit
    max_running int check (max_running > 0),
    paused      boolean not null default false
);

insert into queues (name) values ('default');

alter table api_keys
    add max_running int check (max_running > 0);

alter table workers
    -- null: every queue
    add queues          text[],
    add version         text not null default '',
    add ansible_version text not null default '',
    add draining        boolean not null default false;

-- Which worker does the work that one must do alone.
create table leader (
    only_row   boolean primary key default true check (only_row),
    worker_id  text not null,
    term       bigint not null default 1,
    expires_at timestamptz not null
);

alter table jobs
    add queue             text not null default 'default',
    add priority          smallint not null default 5,
    -- Place in the line of its queue and priority; null while it waits for ready_at. Callers take turns: see JobOrder.cs.
    add turn              bigint,
    add ready_at          timestamptz not null default now(),
    add expires_at        timestamptz,
    add concurrency_key   text,
    add concurrency_limit int not null default 1,
    add workers_lost      int not null default 0,
    add idempotency_key   text,
    add request_digest    bytea,
    add rerun_of          uuid,
    add provenance        json;

update jobs set turn = 0 where status = 'queued';

alter table jobs
    add constraint jobs_turn_while_queued check (turn is null or status = 'queued'),
    add constraint jobs_digest_of_idempotent check ((idempotency_key is null) = (request_digest is null));

drop index jobs_queued;
-- Partial: they hold only rows that wait, so their plans do not depend on statistics, which a busy queue outruns.
create index jobs_ready on jobs (queue, priority desc, turn, id) where turn is not null;
create index jobs_turns on jobs (queue, priority, api_key_id, turn) where turn is not null;
create index jobs_due on jobs (ready_at) where status = 'queued' and turn is null;
create index jobs_expiring on jobs (expires_at) where status = 'queued' and expires_at is not null;
create index jobs_of_concurrency_key on jobs (concurrency_key) where status = 'running' and concurrency_key is not null;
create unique index jobs_idempotent on jobs (api_key_id, idempotency_key) where idempotency_key is not null;

-- A queue's rows die young: without this the heads of its indexes fill with dead entries for minutes.
alter table jobs set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

-- The attempts that were followed by another one; the last attempt is the row in jobs.
create table job_attempts (
    job_id      uuid not null references jobs on delete cascade,
    attempt     int not null,
    worker_id   text not null,
    started_at  timestamptz not null,
    finished_at timestamptz not null,
    outcome     text not null,
    failure     json,
    exit_code   int,
    revision    text,
    hosts       json,
    primary key (job_id, attempt)
);

alter table job_log
    add attempt int not null default 1;

-- Seconds until the next attempt: the job's own backoff, doubled with each attempt, an hour at most, less up to half of it by chance.
create function job_retry_delay(request json, attempt int) returns interval language sql volatile as $$
    select make_interval(secs => least(3600, coalesce((request ->> 'retry_backoff_seconds')::int, 10) * power(2, least(attempt, 20) - 1)) * (0.5 + random() / 2))
$$;

drop trigger jobs_guard_final on jobs;
drop function jobs_guard_final;

-- The state machine: a move that is not in docs/job-states.md is refused, whoever tries it. A final state's callback is owed from the same
-- transaction on.
create function jobs_guard_moves() returns trigger language plpgsql as $$
begin
    if old.status in ('success', 'failed', 'cancelled') then
        raise exception 'job % is final (%) and stays so', old.id, old.status using errcode = 'check_violation';
    end if;
    if (old.status, new.status) not in (
            ('queued', 'queued'), ('queued', 'running'), ('queued', 'cancelled'), ('queued', 'failed'),
            ('running', 'running'), ('running', 'queued'), ('running', 'success'), ('running', 'failed'), ('running', 'cancelled'))
        or (old.status, new.status) = ('queued', 'failed') and new.outcome <> 'expired' then
        raise exception 'job % cannot move from % to %', old.id, old.status, new.status using errcode = 'check_violation';
    end if;
    if new.attempt <> old.attempt + ((old.status, new.status) = ('queued', 'running'))::int then
        raise exception 'attempt of job % cannot become % from %', old.id, new.attempt, old.attempt using errcode = 'check_violation';
    end if;
    if new.outcome is not null and new.callback_url is not null then
        insert into webhook_deliveries (job_id, receiver) values (new.id, lower(split_part(new.callback_url, '/', 3)));
    end if;
    return new;
end
$$;

create trigger jobs_guard_moves before update on jobs for each row
    when (old.status <> new.status or old.attempt <> new.attempt or old.status in ('success', 'failed', 'cancelled'))
    execute function jobs_guard_moves();

create function jobs_guard_birth() returns trigger language plpgsql as $$
begin
    raise exception 'job % cannot begin as %', new.id, new.status using errcode = 'check_violation';
end
$$;

create trigger jobs_guard_birth before insert on jobs for each row
    when (new.status <> 'queued' or new.attempt <> 0)
    execute function jobs_guard_birth();
