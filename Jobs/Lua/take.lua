-- Takes the entries of jobs out of the queue.
-- Input:  KEYS the jobs' entries
-- Output: for each its trace parent, '' or nil
local contexts = redis.call('MGET', unpack(KEYS))
redis.call('DEL', unpack(KEYS))
return contexts
