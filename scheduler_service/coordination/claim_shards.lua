-- One replica's turn at the shards: say that it lives, keep its fair share, give back what is over,
-- take what is free. Atomic, so that two replicas never hold one shard by these books.
-- When Redis forgets everything every replica takes a fair share of free shards at its next turn;
-- two may then believe in one shard for a lease, and the compare-and-set of the decision settles it.
--
-- KEYS[1] sorted set replica -> end of its lease (ms)   KEYS[2] hash shard -> "end of lease|replica"
-- ARGV[1] this replica   ARGV[2] lease in ms   ARGV[3] number of shards   ARGV[4] "leaving" or ""
-- Returns the shards that this replica holds now.
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local me, lease, shards = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local leaving = ARGV[4] == 'leaving'

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if leaving then
  redis.call('ZREM', KEYS[1], me)
else
  redis.call('ZADD', KEYS[1], now + lease, me)
end
-- Ranked by name, which does not change from turn to turn: of 64 shards three replicas have 22, 21 and 21.
local living = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(living)
local share = 0
for rank, replica in ipairs(living) do
  if replica == me then
    share = math.floor(shards / #living) + (rank <= shards % #living and 1 or 0)
  end
end

local books = {}
local flat = redis.call('HGETALL', KEYS[2])
for i = 1, #flat, 2 do books[flat[i]] = flat[i + 1] end

local mine, free = {}, {}
for shard = 0, shards - 1 do
  local entry = books[tostring(shard)]
  local till, holder
  if entry then
    till, holder = string.match(entry, '^(%d+)|(.*)$')
    till = tonumber(till)
  end
  if holder == me then
    mine[#mine + 1] = shard
  elseif not holder or till <= now then
    free[#free + 1] = shard
  end
end
while #mine > share do
  redis.call('HDEL', KEYS[2], table.remove(mine))
end
for _, shard in ipairs(free) do
  if #mine >= share then break end
  mine[#mine + 1] = shard
end
for _, shard in ipairs(mine) do
  redis.call('HSET', KEYS[2], shard, (now + lease) .. '|' .. me)
end
redis.call('PEXPIRE', KEYS[1], lease * 10)
redis.call('PEXPIRE', KEYS[2], lease * 10)
return mine
