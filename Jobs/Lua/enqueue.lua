-- Puts jobs into the queue and wakes the workers.
-- Input:  KEYS[i] a job's entry
--         ARGV[1] wake-up channel, ARGV[2] seconds for which an entry is kept at most, ARGV[2 + i] trace parent of job i, or ''
-- Output: how many workers listened
for i, entry in ipairs(KEYS) do
    redis.call('SET', entry, ARGV[2 + i], 'EX', ARGV[2])
end
return redis.call('PUBLISH', ARGV[1], '')
