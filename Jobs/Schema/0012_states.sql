-- What docs/job-states.md calls impossible.
alter table jobs
    add constraint jobs_success_of_success check ((status = 'success') = (outcome is not distinct from 'success')),
    add constraint jobs_cancelled_of_cancelled check ((status = 'cancelled') = (outcome is not distinct from 'cancelled')),
    add constraint jobs_expired_in_time check (outcome is distinct from 'expired' or (expires_at is not null and expires_at <= finished_at)),
    add constraint jobs_running_has_worker check (status <> 'running' or worker_id is not null);

create function jobs_keep_live() returns trigger language plpgsql as $$
begin
    raise exception 'job % is % and cannot be deleted', old.id, old.status using errcode = 'check_violation';
end
$$;

create trigger jobs_keep_live before delete on jobs
    for each row when (old.status in ('queued', 'running')) execute function jobs_keep_live();
