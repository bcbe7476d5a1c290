-- How many of a job's attempts were handed back before their playbook began: no tries, so they count against no limit of tries.
alter table jobs
    add handed_back integer not null default 0;

-- Beside what it said before: only what waits expires, only what somebody wants cancelled is, and a job goes to another worker by a new attempt alone.
create or replace function jobs_guard_moves() returns trigger language plpgsql as $$
begin
    if old.status in ('success', 'failed', 'cancelled') then
        raise exception 'job % is final (%) and stays so', old.id, old.status using errcode = 'check_violation';
    end if;
    if old.status = 'queued' and (new.status in ('queued', 'running', 'cancelled') or new.status = 'failed' and new.outcome = 'expired') is not true then
        raise exception 'job % cannot move from % to %', old.id, old.status, new.status using errcode = 'check_violation';
    end if;
    if new.attempt <> old.attempt + (old.status = 'queued' and new.status = 'running')::int then
        raise exception 'attempt of job % cannot become % from %', old.id, new.attempt, old.attempt using errcode = 'check_violation';
    end if;
    if new.worker_id is distinct from old.worker_id and new.attempt = old.attempt then
        raise exception 'attempt % of job % cannot go from worker % to %', old.attempt, old.id, old.worker_id, new.worker_id using errcode = 'check_violation';
    end if;
    if (case new.status
            when 'queued' then num_nonnulls(new.outcome, new.finished_at, new.lease_expires_at) = 0
            when 'running' then num_nonnulls(new.outcome, new.finished_at, new.turn) = 0 and num_nulls(new.lease_expires_at, new.worker_id) = 0
            else num_nonnulls(new.lease_expires_at, new.turn) = 0 and new.finished_at is not null and case new.status
                when 'success' then new.outcome = 'success'
                when 'cancelled' then new.outcome = 'cancelled' and new.cancel_requested_at is not null
                when 'failed' then new.outcome not in ('success', 'cancelled')
                    and (new.outcome <> 'expired' or old.status = 'queued' and new.expires_at <= new.finished_at)
            end
        end) is not true or num_nulls(new.idempotency_key, new.request_digest) = 1 then
        raise exception 'job % cannot be % with outcome %, end %, lease %, worker %, turn %, expiry %, stop asked for % or half of an idempotency key', new.id, new.status,
            new.outcome, new.finished_at, new.lease_expires_at, new.worker_id, new.turn, new.expires_at, new.cancel_requested_at using errcode = 'check_violation';
    end if;
    if new.outcome is not null and new.callback_url is not null then
        insert into webhook_deliveries (job_id, receiver) values (new.id, webhook_receiver(new.callback_url));
    end if;
    return new;
end
$$;
