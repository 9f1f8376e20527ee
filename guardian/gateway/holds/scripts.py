"""The Lua scripts: each one step in Redis, whatever else happens at the same time, and harmless when it is repeated.

A counter is a hash: epoch (made new whenever it is rebuilt), spent (calls through gateways), other (events, imports),
held, h:ID (what a hold keeps), x:ID (what an expired one kept), p:PROCESS (who has told this epoch what it has under
way), t (scratch), settled (s); of a rolling budget besides mark and marked (what was spent at which second). Beside it
a sorted set of holds by the time at which they expire.
"""

# KEYS: rate, then counter and deadlines of each budget. ARGV: id, lease ms, rpm, tpm ("" without), tokens, worst, then
# limit - worst and epoch of each budget.
# A sliding minute: what the last minute had counts by the part of it that is less than 60 s ago.
RESERVE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local minute, elapsed = math.floor(now / 60000), now % 60000
local id, rpm, tpm, tokens = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local rate = {0, 0, 0, 0}
if rpm or tpm then
  local kept = redis.call('HMGET', KEYS[1], 'm', 'r', 't', 'pr', 'pt')
  local age = minute - tonumber(kept[1] or 0)
  if age == 0 then
    rate = {tonumber(kept[2]), tonumber(kept[3]), tonumber(kept[4]), tonumber(kept[5])}
  elseif age == 1 then
    rate = {0, 0, tonumber(kept[2]), tonumber(kept[3])}
  end
  local left = (60000 - elapsed) / 60000
  if rpm and rate[3] * left + rate[1] + 1 > rpm then
    return {'rate', 'requests', rate[3], rate[1], elapsed}
  end
  local used = rate[4] * left + rate[2]
  if tpm and used > 0 and used + tokens > tpm then
    return {'rate', 'tokens', rate[4], rate[2], elapsed}
  end
end
for i = 2, #KEYS, 2 do
  local key, due = KEYS[i], KEYS[i + 1]
  local room, epoch = ARGV[5 + i], ARGV[6 + i]
  if redis.call('HGET', key, 'epoch') ~= epoch then return {'enter', (i - 2) / 2} end
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, 1000)) do
    local kept = redis.call('HGET', key, 'h:' .. old)
    redis.call('ZREM', due, old)
    if kept then
      redis.call('HDEL', key, 'h:' .. old)
      redis.call('HSET', key, 'x:' .. old, kept)
      if kept ~= '0' then redis.call('HINCRBY', key, 'held', '-' .. kept) end
    end
  end
  if redis.call('HEXISTS', key, 'h:' .. id) == 0 then
    local used = redis.call('HMGET', key, 'spent', 'other', 'held')
    redis.call('HSET', key, 't', room)
    for _, amount in ipairs(used) do
      if amount ~= '0' then redis.call('HINCRBY', key, 't', '-' .. amount) end
    end
    if string.sub(redis.call('HGET', key, 't'), 1, 1) == '-' then
      return {'full', (i - 2) / 2, used[1], used[2], used[3]}
    end
  end
end
for i = 2, #KEYS, 2 do
  if redis.call('HSETNX', KEYS[i], 'h:' .. id, ARGV[6]) == 1 then
    redis.call('HINCRBY', KEYS[i], 'held', ARGV[6])
  end
  redis.call('ZADD', KEYS[i + 1], now + tonumber(ARGV[2]), id)
  redis.call('EXPIREAT', KEYS[i + 1], redis.call('HGET', KEYS[i], 'until'))
end
if rpm or tpm then
  redis.call('HSET', KEYS[1], 'm', minute, 'r', rate[1] + 1, 't', rate[2] + tokens, 'pr', rate[3], 'pt', rate[4])
  redis.call('EXPIRE', KEYS[1], 130)
end
return {'ok', minute}
"""

# KEYS as above. ARGV: id, cost, minute of the reservation, difference in tokens, then the epoch of each budget.
# Answers the numbers of the budgets whose counter is another one by now.
SETTLE = """
local time = redis.call('TIME')
local id, cost = ARGV[1], ARGV[2]
if ARGV[4] ~= '0' then
  local kept = redis.call('HMGET', KEYS[1], 'm', 't', 'pt')
  local age = tonumber(kept[1] or -10) - tonumber(ARGV[3])
  if age == 0 then redis.call('HSET', KEYS[1], 't', math.max(0, kept[2] + ARGV[4])) end
  if age == 1 then redis.call('HSET', KEYS[1], 'pt', math.max(0, kept[3] + ARGV[4])) end
end
local stale = {}
for i = 2, #KEYS, 2 do
  local key = KEYS[i]
  if redis.call('HGET', key, 'epoch') ~= ARGV[4 + i / 2] then
    stale[#stale + 1] = (i - 2) / 2
  else
    local kept = redis.call('HGET', key, 'h:' .. id)
    local open = kept or redis.call('HEXISTS', key, 'x:' .. id) == 1
    if kept and kept ~= '0' then redis.call('HINCRBY', key, 'held', '-' .. kept) end
    redis.call('HDEL', key, 'h:' .. id, 'x:' .. id)
    redis.call('ZREM', KEYS[i + 1], id)
    if open then
      redis.call('HINCRBY', key, 'spent', cost)
      redis.call('HSET', key, 'settled', time[1])
    end
  end
end
return stale
"""

# KEYS: counter, deadlines. ARGV: spent ("" if not read), other, new epoch, process, pending, expiry (s), lease ms, then
# id and amount of each hold. Answers the epoch, or nothing when the counter has to be rebuilt.
ENTER = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key, due = KEYS[1], KEYS[2]
local epoch = redis.call('HGET', key, 'epoch')
if not epoch then
  if ARGV[1] == '' then return false end
  epoch = ARGV[3]
  redis.call('DEL', key, due)
  redis.call('HSET', key, 'epoch', epoch, 'spent', ARGV[1], 'other', ARGV[2], 'held', 0, 'settled', time[1],
    'until', ARGV[6])
  redis.call('EXPIREAT', key, ARGV[6])
end
if redis.call('HSETNX', key, 'p:' .. ARGV[4], 1) == 1 then
  redis.call('HINCRBY', key, 'spent', ARGV[5])
  for i = 8, #ARGV, 2 do
    if redis.call('HSETNX', key, 'h:' .. ARGV[i], ARGV[i + 1]) == 1 then
      redis.call('HINCRBY', key, 'held', ARGV[i + 1])
      redis.call('ZADD', due, now + tonumber(ARGV[7]), ARGV[i])
    end
  end
  redis.call('EXPIREAT', due, ARGV[6])
end
return epoch
"""

# KEYS: counter, deadlines. ARGV: epoch, lease ms, then ids. A hold that had expired meanwhile counts again.
RENEW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key, due = KEYS[1], KEYS[2]
if redis.call('HGET', key, 'epoch') ~= ARGV[1] then return 0 end
for i = 3, #ARGV do
  local lost = redis.call('HGET', key, 'x:' .. ARGV[i])
  if lost then
    redis.call('HDEL', key, 'x:' .. ARGV[i])
    redis.call('HSET', key, 'h:' .. ARGV[i], lost)
    redis.call('HINCRBY', key, 'held', lost)
  end
  if redis.call('HEXISTS', key, 'h:' .. ARGV[i]) == 1 then
    redis.call('ZADD', due, now + tonumber(ARGV[2]), ARGV[i])
  end
end
return 1
"""

# KEYS: counter. ARGV: epoch, batch, amount: what calls cost that were let through while Redis was away.
OWE = """
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
if redis.call('HSETNX', KEYS[1], 'o:' .. ARGV[2], 1) == 1 then redis.call('HINCRBY', KEYS[1], 'spent', ARGV[3]) end
return 1
"""

# KEYS: counter. ARGV: epoch, quiet seconds. Notes what is spent now; where that was noted so long ago, when.
MARK = """
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return '' end
local now, marked = redis.call('TIME')[1], redis.call('HGET', KEYS[1], 'marked')
if not marked then
  redis.call('HSET', KEYS[1], 'mark', redis.call('HGET', KEYS[1], 'spent'), 'marked', now)
  return ''
end
return now - marked >= tonumber(ARGV[2]) and marked or ''
"""

# KEYS: counter, deadlines. ARGV: epoch, spent, other, quiet seconds, expiry (s), what MARK said before the ledger was
# read ("" of calendar periods), and 1 where it is its process's first look at a calendar period. All that was spent at
# the mark is in the ledger by then: what that knows nothing of is taken off, and what the counter knows nothing of is
# put in. Once no call was under way for so long, all are in the ledger, whose word then replaces the counter's. At a
# first look it only adds to it: what the process before this one has left in its journal may still have to be shipped.
REFRESH = """
local key = KEYS[1]
if redis.call('HGET', key, 'epoch') ~= ARGV[1] then return 0 end
redis.call('HSET', key, 'other', ARGV[3], 'until', ARGV[5])
redis.call('EXPIREAT', key, ARGV[5])
local function beyond(amount, other)
  redis.call('HSET', key, 't', amount)
  if other ~= '0' then redis.call('HINCRBY', key, 't', '-' .. other) end
  local rest = redis.call('HGET', key, 't')
  return rest ~= '0' and string.sub(rest, 1, 1) ~= '-' and rest
end
local now, marked = redis.call('TIME')[1], redis.call('HGET', key, 'marked')
local rebuilt = marked and marked == ARGV[6]
if rebuilt then
  local gone = beyond(redis.call('HGET', key, 'mark'), ARGV[2])
  if gone then redis.call('HINCRBY', key, 'spent', '-' .. gone) end
  local missing = beyond(ARGV[2], redis.call('HGET', key, 'spent'))
  if missing then redis.call('HINCRBY', key, 'spent', missing) end
end
local quiet = now - redis.call('HGET', key, 'settled') > tonumber(ARGV[4]) and redis.call('ZCARD', KEYS[2]) == 0
if quiet and ARGV[7] == '1' then
  local missing = beyond(ARGV[2], redis.call('HGET', key, 'spent'))
  if missing then redis.call('HINCRBY', key, 'spent', missing) end
elseif quiet then
  redis.call('HSET', key, 'spent', ARGV[2])
end
if marked and (rebuilt or quiet) then
  redis.call('HSET', key, 'mark', redis.call('HGET', key, 'spent'), 'marked', now)
end
return 1
"""
