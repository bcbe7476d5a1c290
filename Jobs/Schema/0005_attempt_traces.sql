-- W3C context of the attempt's own span: the next attempt links to it.
alter table job_attempts add column trace_parent text;
