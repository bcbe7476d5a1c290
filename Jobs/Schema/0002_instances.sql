-- Every live process of every service, for Prometheus' service discovery.
create table instances (
    address      text primary key,
    service      text not null,
    heartbeat_at timestamptz not null default now()
);
