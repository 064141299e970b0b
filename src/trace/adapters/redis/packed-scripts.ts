import { script } from './connection.ts'

/*
 * What one `agent@version` knows of the ids of 256 ms and one shard is one small hash, which Redis keeps as a list in one piece.
 * Field: the id's bytes 5 to 15; the five before are in the key. Value: while claimed the second of it in decimal, which Redis keeps in
 * five bytes; then 9 bytes: 'D' done or 'X' dead, claimed second (u32), seconds it took (u16), a hash of the position (u16).
 */

/** Of one datum in a call: its field, and the hash of its position. */
export const FIELD_BYTES = 11
export const DATUM_BYTES = FIELD_BYTES + 2
export const DONE_BYTE = 68
export const DEAD_BYTE = 88
/** What a mark begins with; the position's hash follows. */
export const MARK_BYTES = 7

/**
 * KEYS: for each bucket the agent's own, then those of the versions it replaced; last the set of agents. ARGV: ttl, second of the claim,
 * agent, how many keys a bucket has, '1' in a replay topic, the data, then how many are in each bucket.
 * Answers with a digit for each datum: the claim's states.
 */
export const CLAIM_PACKED = script(`
local sub, byte, call = string.sub, string.byte, redis.call
local ttl, now, versions, replay, data = ARGV[1], ARGV[2], tonumber(ARGV[4]), ARGV[5] == '1', ARGV[6]
local function judge(value, here)
  local state = byte(value)
  local dead = state == ${DEAD_BYTE}
  if not dead and state ~= ${DONE_BYTE} then return '1' end
  if dead and replay then return '0' end
  if sub(value, ${MARK_BYTES + 1}) ~= here then return '4' end
  return dead and '2' or '3'
end
local rank = { ['0'] = 0, ['1'] = 1, ['4'] = 2, ['2'] = 3, ['3'] = 4 }
local at, states, base = 1, {}, 0
for bucket = 7, #ARGV do
  local count, fields = tonumber(ARGV[bucket]), {}
  for i = 1, count do fields[i] = sub(data, at + (i - 1) * ${DATUM_BYTES}, at + (i - 1) * ${DATUM_BYTES} + ${FIELD_BYTES - 1}) end
  local own = (bucket - 7) * versions + 1
  local fresh, n = {}, 0
  for version = 0, versions - 1 do
    local known = call('HMGET', KEYS[own + version], unpack(fields))
    for i = 1, count do
      local value, state = known[i], '0'
      if value then
        local here = at + (i - 1) * ${DATUM_BYTES} + ${FIELD_BYTES}
        state = judge(value, sub(data, here, here + 1))
      elseif version == 0 then
        fresh[n + 1], fresh[n + 2] = fields[i], now
        n = n + 2
      end
      if version == 0 or rank[state] > rank[states[base + i]] then states[base + i] = state end
    end
  end
  if n > 0 then
    call('HSET', KEYS[own], unpack(fresh))
    call('PEXPIRE', KEYS[own], ttl)
  end
  at, base = at + count * ${DATUM_BYTES}, base + count
end
call('SADD', KEYS[#KEYS], ARGV[3])
call('PEXPIRE', KEYS[#KEYS], ttl)
return table.concat(states)
`)

/**
 * KEYS: buckets; last the set of agents. ARGV: ttl, agent, what a done mark begins with, what a dead one does, the data, then for each
 * bucket how many there are and how many of them, the first ones, are done.
 */
export const MARK_PACKED = script(`
local sub, byte, call = string.sub, string.byte, redis.call
local ttl, done, dead, data = ARGV[1], ARGV[3], ARGV[4], ARGV[5]
local at = 1
for bucket = 1, #KEYS - 1 do
  local count, finished, fields = tonumber(ARGV[4 + 2 * bucket]), tonumber(ARGV[5 + 2 * bucket]), {}
  for i = 1, count do fields[i] = sub(data, at + (i - 1) * ${DATUM_BYTES}, at + (i - 1) * ${DATUM_BYTES} + ${FIELD_BYTES - 1}) end
  local known = call('HMGET', KEYS[bucket], unpack(fields))
  local raised, n = {}, 0
  for i = 1, count do
    local before = known[i] and byte(known[i])
    if before ~= ${DONE_BYTE} and (i <= finished or before ~= ${DEAD_BYTE}) then
      local here = at + (i - 1) * ${DATUM_BYTES} + ${FIELD_BYTES}
      raised[n + 1], raised[n + 2] = fields[i], (i <= finished and done or dead) .. sub(data, here, here + 1)
      n = n + 2
    end
  end
  if n > 0 then
    call('HSET', KEYS[bucket], unpack(raised))
    call('PEXPIRE', KEYS[bucket], ttl)
  end
  at = at + count * ${DATUM_BYTES}
end
call('SADD', KEYS[#KEYS], ARGV[2])
call('PEXPIRE', KEYS[#KEYS], ttl)
return #KEYS
`)
