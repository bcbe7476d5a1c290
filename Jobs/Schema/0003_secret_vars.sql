-- The secret variables of the job, sealed by the API; the values in its request are masked.
alter table jobs add column sealed bytea;
