-- Puts a job into the queue and wakes the workers.
-- Input:  KEYS[1] the job's entry
--         ARGV[1] wake-up channel, ARGV[2] trace parent or '', ARGV[3] seconds for which the entry is kept at most
-- Output: nothing
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
redis.call('PUBLISH', ARGV[1], '')
