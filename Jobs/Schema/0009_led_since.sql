-- Since when some worker has led without a pause: who leads then knows, from its first second, whether all workers could renew their leases.
alter table leader add column led_since timestamptz not null default now();
