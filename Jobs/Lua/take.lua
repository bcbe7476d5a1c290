-- Takes the oldest jobs out of the queue. Whether the taker may run them is decided in Postgres.
-- Input:  KEYS[1] waiting jobs (sorted set), KEYS[2] trace contexts (hash by job id)
--         ARGV[1] how many at most
-- Output: id, trace parent or '', id, trace parent or '', ...
local popped = redis.call('ZPOPMIN', KEYS[1], ARGV[1])
local taken = {}
for i = 1, #popped, 2 do
    taken[#taken + 1] = popped[i]
    taken[#taken + 1] = redis.call('HGET', KEYS[2], popped[i]) or ''
    redis.call('HDEL', KEYS[2], popped[i])
end
return taken
