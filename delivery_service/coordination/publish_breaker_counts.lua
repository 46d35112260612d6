-- One replica's turn at the windows of attempts: say its own, hear the sum of the others'. Atomic, so that no
-- replica is heard half. Entries end by themselves after a window, those of a replica that died too.
-- When Redis forgets everything the memory mark is another one: every replica sees it at its next turn and says
-- its whole window again.
--
-- KEYS[1] the memory mark   KEYS[2..] hashes, one per endpoint: replica -> "attempts|failures|end (ms)"
-- ARGV[1] this replica   ARGV[2] a mark to begin with, should there be none
-- then per hash: attempts, failures, window in ms
-- Returns the mark, then per hash: attempts and failures of the other replicas.
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local me = ARGV[1]

redis.call('SET', KEYS[1], ARGV[2], 'NX')
redis.call('PEXPIRE', KEYS[1], 3600000)
local answer = { redis.call('GET', KEYS[1]) }

for i = 2, #KEYS do
  local at = 3 * (i - 1)
  local attempts, window = ARGV[at], tonumber(ARGV[at + 2])
  if attempts == '0' then
    redis.call('HDEL', KEYS[i], me)
  else
    redis.call('HSET', KEYS[i], me, attempts .. '|' .. ARGV[at + 1] .. '|' .. (now + window))
    redis.call('PEXPIRE', KEYS[i], window + 1000)
  end
  local tried, failed = 0, 0
  local flat = redis.call('HGETALL', KEYS[i])
  for j = 1, #flat, 2 do
    if flat[j] ~= me then
      local a, f, till = string.match(flat[j + 1], '^(%d+)|(%d+)|(%d+)$')
      if tonumber(till) > now then
        tried, failed = tried + tonumber(a), failed + tonumber(f)
      else
        redis.call('HDEL', KEYS[i], flat[j])
      end
    end
  end
  answer[#answer + 1] = tried
  answer[#answer + 1] = failed
end
return answer
