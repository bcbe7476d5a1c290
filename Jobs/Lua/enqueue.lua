-- Puts jobs into the queue and wakes the workers. A job that is there already stays as it is, so pushing twice is harmless.
-- Input:  KEYS[1] waiting jobs (sorted set, score = submission time), KEYS[2] trace contexts (hash by job id)
--         ARGV[1] wake-up channel, then for each job: id, score, trace parent or ''
-- Output: number of jobs added
local added = 0
for i = 2, #ARGV, 3 do
    if redis.call('ZADD', KEYS[1], 'NX', ARGV[i + 1], ARGV[i]) == 1 then
        added = added + 1
        if ARGV[i + 2] ~= '' then
            redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 2])
        end
    end
end
if added > 0 then
    redis.call('PUBLISH', ARGV[1], added)
end
return added
