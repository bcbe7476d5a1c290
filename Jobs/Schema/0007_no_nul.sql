-- Requests with U+0000 are refused since: Postgres keeps it in JSON but cannot read it out, so that one such job kept all lost jobs from being
-- settled. Those of before get the replacement character, also the ended ones, which may be run again.
alter table jobs disable trigger jobs_guard_moves;
update jobs set request = replace(request::text, '\u0000', '\ufffd')::json where strpos(request::text, '\u0000') > 0;
alter table jobs enable trigger jobs_guard_moves;

update schedules set request = replace(request::text, '\u0000', '\ufffd')::json where strpos(request::text, '\u0000') > 0;
