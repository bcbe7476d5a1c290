-- The receiver was all between the second slash and the third: of a URL without path also its query, so that one slow receiver was as many as there
-- were queries, and took all places; and the query, which may hold a secret, was kept.

-- Host and port of a URL, in one form for each: without user name, and without the port that goes without saying. Never null, for then the job
-- could not end.
create function webhook_receiver(url text) returns text language sql immutable as $$
    select regexp_replace(
        coalesce(substring(lower(url) from '//(?:[^/\\?#]*@)?([^/\\?#]*)'), ''),
        case when url ~* '^\s*https:' then ':(443)?$' else ':(80)?$' end, '')
$$;

create or replace function jobs_guard_moves() returns trigger language plpgsql as $$
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
        insert into webhook_deliveries (job_id, receiver) values (new.id, webhook_receiver(new.callback_url));
    end if;
    return new;
end
$$;

update webhook_deliveries set receiver = webhook_receiver(callback_url)
from jobs
where jobs.id = job_id and receiver <> webhook_receiver(callback_url);
