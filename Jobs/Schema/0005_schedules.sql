-- Jobs that recur.

create table schedules (
    name             text primary key,
    -- A deleted key's schedules go with it: nothing runs in the name of a caller that is no more.
    api_key_id       uuid not null references api_keys on delete cascade,
    cron             text not null,
    time_zone        text not null,
    overlap          text not null check (overlap in ('skip', 'queue')),
    catch_up_seconds int not null check (catch_up_seconds > 0),
    paused           boolean not null,
    request          json not null,
    sealed           bytea,
    -- null: paused, or the expression never comes again.
    next_at          timestamptz,
    last_at          timestamptz,
    last_result      text check (last_result in ('submitted', 'skipped', 'missed')),
    last_job_id      uuid,
    submitted        bigint not null default 0,
    skipped          bigint not null default 0,
    missed           bigint not null default 0,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),

    constraint schedules_paused_has_no_next check (not paused or next_at is null)
);

create index schedules_due on schedules (next_at) where next_at is not null;
create index schedules_of_key on schedules (api_key_id);

alter table jobs
    add schedule text;
