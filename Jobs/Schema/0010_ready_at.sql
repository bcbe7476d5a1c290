-- With the time since when each is ready, so that what waits is counted from the index alone.
create index jobs_ready_at on jobs (queue, priority desc, turn, id) include (ready_at) where turn is not null;
drop index jobs_ready;
alter index jobs_ready_at rename to jobs_ready;
