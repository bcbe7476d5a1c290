-- When it was last found that times of a schedule went by. The counters of a worker cannot say: the first thing that a new leader does is to count them.
alter table schedules
    add missed_at timestamptz;
