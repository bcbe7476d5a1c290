-- Keys are random, so one SHA-256 is enough to store them; a leaked table opens nothing.
create table api_keys (
    id         uuid primary key,
    name       text not null unique,
    key_hash   bytea not null unique check (length(key_hash) = 32),
    created_at timestamptz not null default now()
);

-- The values are sealed by the services; the database never sees them.
create table credentials (
    name       text primary key,
    type       text not null,
    fields     text[] not null,
    sealed     bytea not null,
    created_at timestamptz not null default now()
);

create table workers (
    id           text primary key,
    slots        int not null,
    started_at   timestamptz not null default now(),
    heartbeat_at timestamptz not null default now()
);

create table jobs (
    id                  uuid primary key,
    status              text not null default 'queued',
    outcome             text,
    -- json, not jsonb: what the caller sent is given back as it was, and \u0000 is legal in it.
    request             json not null,
    source_type         text not null,
    callback_url        text,
    api_key_id          uuid not null,
    api_key_name        text not null,
    trace_parent        text,
    trace_state         text,
    attempt             int not null default 0,
    worker_id           text,
    lease_expires_at    timestamptz,
    cancel_requested_at timestamptz,
    revision            text,
    exit_code           int,
    failure             json,
    hosts               json,
    created_at          timestamptz not null default now(),
    started_at          timestamptz,
    finished_at         timestamptz,

    constraint jobs_status_known check (status in ('queued', 'running', 'success', 'failed', 'cancelled')),
    constraint jobs_running_is_leased check ((status = 'running') = (lease_expires_at is not null)),
    constraint jobs_final_has_outcome check ((status in ('success', 'failed', 'cancelled')) = (outcome is not null and finished_at is not null))
);

-- Partial: they hold only the few rows that are still alive, so their plans do not depend on statistics.
create index jobs_queued on jobs (id) where status = 'queued';
create index jobs_leased on jobs (lease_expires_at) where status = 'running';

create index jobs_by_status on jobs (status, id);

create table job_events (
    job_id  uuid not null references jobs on delete cascade,
    seq     int not null,
    attempt int not null,
    at      timestamptz not null,
    type    text not null,
    data    json not null,
    primary key (job_id, seq)
);

create table job_log (
    job_id  uuid not null references jobs on delete cascade,
    seq     int not null,
    content text not null,
    primary key (job_id, seq)
);

create table webhook_deliveries (
    id               uuid primary key default gen_random_uuid(),
    job_id           uuid not null references jobs on delete cascade,
    -- Host and port of the callback URL: a slow receiver is passed over while it is busy.
    receiver         text not null,
    status           text not null default 'pending',
    attempt          int not null default 0,
    next_attempt_at  timestamptz not null default now(),
    last_status_code int,
    last_error       text,
    created_at       timestamptz not null default now(),
    finished_at      timestamptz,

    constraint webhook_deliveries_status_known check (status in ('pending', 'delivered', 'failed'))
);

create index webhook_deliveries_due on webhook_deliveries (next_attempt_at) where status = 'pending';
create index webhook_deliveries_of_job on webhook_deliveries (job_id);

-- A final state is final, and its callback is owed from the same transaction on, whoever makes the move.
create function jobs_guard_final() returns trigger language plpgsql as $$
begin
    if old.status in ('success', 'failed', 'cancelled') then
        raise exception 'job % is final (%) and stays so', old.id, old.status using errcode = 'check_violation';
    end if;
    if new.outcome is not null and new.callback_url is not null then
        insert into webhook_deliveries (job_id, receiver) values (new.id, lower(split_part(new.callback_url, '/', 3)));
    end if;
    return new;
end
$$;

create trigger jobs_guard_final before update on jobs for each row execute function jobs_guard_final();
