-- Requests with U+0000 are refused since: Postgres keeps it in JSON but cannot read it out, so that one such job kept all lost jobs from being
-- settled. Those of before get the replacement character, also the ended ones, which may be run again. After an odd number of backslashes the
-- next one is text.
alter table jobs disable trigger jobs_guard_moves;
update jobs set request = regexp_replace(request::text, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')::json where request::text ~ '(?<!\\)(?:\\\\)*\\u0000';
alter table jobs enable trigger jobs_guard_moves;

update schedules set request = regexp_replace(request::text, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')::json where request::text ~ '(?<!\\)(?:\\\\)*\\u0000';
