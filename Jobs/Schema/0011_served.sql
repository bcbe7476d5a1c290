-- How far each line has been served. Whoever comes new begins behind that: beside the head of the line, a job at the head that may not start yet
-- would let them go before all who have waited meanwhile. Lines of several queues are served in turn.
create table lines (
    queue     text not null references queues on delete cascade,
    priority  smallint not null,
    -- The highest turn of which a job was started, and when one was started last, while others were left.
    served    bigint not null,
    served_at timestamptz not null,
    primary key (queue, priority)
);
