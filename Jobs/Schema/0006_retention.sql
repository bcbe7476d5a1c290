-- Events and log lie in a table a day, so that what is too old goes by dropping tables. A job's output is found by the job's id, which begins
-- with the time at which it was made (UUID version 7), so a day is a range of ids.

-- Every id that is made at this time or later is at least this one.
create function job_id_at(at timestamptz) returns uuid language sql immutable as $$
    select (lpad(to_hex(greatest(0, floor(extract(epoch from at) * 1000))::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

create function job_id_at(day date) returns uuid language sql immutable as $$
    select job_id_at(day::timestamp at time zone 'UTC')
$$;

alter table job_events rename to old_job_events;
alter index job_events_pkey rename to old_job_events_pkey;
alter table job_log rename to old_job_log;
alter index job_log_pkey rename to old_job_log_pkey;

-- Without foreign keys: output is written under the lock of the job's row, and goes with it or after it.
create table job_events (
    job_id  uuid not null,
    seq     int not null,
    attempt int not null,
    at      timestamptz not null,
    type    text not null,
    data    json not null,
    primary key (job_id, seq)
) partition by range (job_id);

create table job_log (
    job_id  uuid not null,
    seq     int not null,
    attempt int not null,
    content text not null,
    primary key (job_id, seq)
) partition by range (job_id);

-- What has no day: output of jobs whose id a wrong clock made, or that are older than everything that is kept.
create table job_events_default partition of job_events default;
create table job_log_default partition of job_log default;

create view job_output_days as
    select day, job_id_at(day) as first, job_id_at(day + 1) as beyond
    from (
        select to_date(right(relname, 8), 'YYYYMMDD') as day
        from pg_inherits join pg_class on pg_class.oid = inhrelid
        where inhparent = 'job_log'::regclass and relname ~ '^job_log_[0-9]{8}$'
    ) days;

-- Gives a day its tables. Rows of the day that lie in the default tables move there.
create function job_output_add_day(day date) returns void language plpgsql set lock_timeout = '200ms' as $$
declare
    parent text;
    name text;
    range text := format('job_id >= %L and job_id < %L', job_id_at(day), job_id_at(day + 1));
begin
    foreach parent in array array['job_events', 'job_log'] loop
        name := parent || to_char(day, '_YYYYMMDD');
        if to_regclass(name) is null then
            -- Made first and attached then: a table made as a partition would lock out the readers of all the others.
            execute format('create table %I (like %I including all)', name, parent);
            execute format('with moved as (delete from %I where %s returning *) insert into %I select * from moved', parent || '_default', range, name);
            execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, name, job_id_at(day), job_id_at(day + 1));
        end if;
    end loop;
end
$$;

-- Drops a table of a day. Readers of the other days wait meanwhile, so it gives up if it has to wait itself.
create function job_output_drop_day(parent text, day date) returns void language plpgsql set lock_timeout = '200ms' as $$
begin
    execute format('drop table if exists %I', parent || to_char(day, '_YYYYMMDD'));
end
$$;

-- Functions, so that the claim is planned without the tables of all days, which only a further attempt needs.
create function job_last_event(id uuid) returns int language plpgsql stable as $$
begin
    return (select coalesce(max(seq), 0) from job_events where job_id = id);
end
$$;

create function job_last_log(id uuid) returns int language plpgsql stable as $$
begin
    return (select coalesce(max(seq), 0) from job_log where job_id = id);
end
$$;

select job_output_add_day(day) from (
    select to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0) at time zone 'UTC' as made from jobs
    where id < job_id_at(now()) and id >= job_id_at(now() - interval '400 days')
    union
    select (now() at time zone 'UTC') + ahead * interval '1 day' from generate_series(0, 3) as ahead
) jobs, lateral (select made::date as day) days
group by day;

insert into job_events (job_id, seq, attempt, at, type, data) select job_id, seq, attempt, at, type, data from old_job_events;
insert into job_log (job_id, seq, attempt, content) select job_id, seq, attempt, content from old_job_log;
drop table old_job_events, old_job_log;
