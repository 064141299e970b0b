import { script } from './connection.ts'

/*
 * A datum is one hash (docs/redis.md). Its fields:
 *
 *   at               topic/partition/offset appended_ms, more after ", " where copies got in or it was replayed
 *   created          milliseconds since 1970 UTC
 *   source
 *   parents          data_ids with a space between, where it was derived
 *   agent@version    claimed_ms [finished_ms done|dead [topic/partition/offset] [attempts=n] [unit=ref] [reason=…]]
 *
 * A mark without a position is of the first in `at`. Every value of the usual kind is within 64 bytes, beyond which Redis keeps a hash
 * in a form of several times the size.
 */

/** At most so many positions of one datum are kept: a producer that sends the same id without end must not fill the memory. */
const MAX_AT_BYTES = 1000

const LEARN = `
local call, sub, find, match = redis.call, string.sub, string.find, string.match
local function learn(key, at, here, appended, created, source, parents, ttl)
  if at then
    if sub(at, 1, #here + 1) == here .. ' ' or find(at, ', ' .. here .. ' ', 1, true) then return end
    if #at < ${MAX_AT_BYTES} then call('HSET', key, 'at', at .. ', ' .. here .. appended) end
    return
  end
  if parents == '' then call('HSET', key, 'at', here .. appended, 'created', created, 'source', source)
  else call('HSET', key, 'at', here .. appended, 'created', created, 'source', source, 'parents', parents) end
  call('PEXPIRE', key, ttl)
end
`

/**
 * KEYS: data. ARGV: ttl, place (`topic/partition/`), appended (` ms`), claimed ms, '1' in a replay topic, count of fields, the fields
 * (the agent's own first), then for each datum offset, created, source ('' as the one before), parents.
 * Answers with a digit for each datum: the claim's states.
 */
export const CLAIM = script(`${LEARN}
local rank = { ['0'] = 0, ['1'] = 1, ['4'] = 2, ['2'] = 3, ['3'] = 4 }
local ttl, place, appended, now, replay, fields = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5] == '1', tonumber(ARGV[6])
local own = ARGV[7]
local ask = { 'at' }
for i = 1, fields do ask[i + 1] = ARGV[6 + i] end
local function judge(mark, at, here)
  local state, rest = match(mark, '^%S+ %S+ (%a+)(.*)$')
  if state == 'dead' and replay then return '0' end
  if state ~= 'done' and state ~= 'dead' then return '1' end
  local where = match(rest, '^ (%S+/%d+/%d+)') or (at and match(at, '^%S+'))
  if where and where ~= here then return '4' end
  return state == 'done' and '3' or '2'
end
local arg, source, states = 6 + fields, '', {}
for i = 1, #KEYS do
  local key, here, created, parents = KEYS[i], place .. ARGV[arg + 1], ARGV[arg + 2], ARGV[arg + 4]
  if ARGV[arg + 3] ~= '' then source = ARGV[arg + 3] end
  arg = arg + 4
  local known = call('HMGET', key, unpack(ask))
  local at, state = known[1], '0'
  for j = 2, fields + 1 do
    local mark = known[j]
    if mark then
      local judged = judge(mark, at, here)
      if rank[judged] > rank[state] then state = judged end
    end
  end
  if at or known[2] then
    learn(key, at, here, appended, created, source, parents, ttl)
    if not known[2] then call('HSET', key, own, now) end
  else
    if parents == '' then call('HSET', key, 'at', here .. appended, 'created', created, 'source', source, own, now)
    else call('HSET', key, 'at', here .. appended, 'created', created, 'source', source, 'parents', parents, own, now) end
    call('PEXPIRE', key, ttl)
  end
  states[i] = state
end
return table.concat(states)
`)

/**
 * KEYS: data, those done first. ARGV: ttl, place, appended (for data nobody has claimed here), the agent's field, what every done mark
 * begins with, what every dead one does, how many are done, then for each datum offset and what its mark ends with.
 */
export const MARK = script(`
local call, sub, find, match = redis.call, string.sub, string.find, string.match
local ttl, place, appended, field, done, dead, count = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7])
for i = 1, #KEYS do
  local key, here, tail = KEYS[i], place .. ARGV[6 + 2 * i], ARGV[7 + 2 * i]
  local known = call('HMGET', key, 'at', field)
  local at, before = known[1], known[2]
  -- A claim has no space: most marks need no more than to see that.
  if before and find(before, ' ', 1, true) then before = match(before, '^%S+ %S+ (%a+)') end
  if before ~= 'done' and (i <= count or before ~= 'dead') then
    local mark = i <= count and done or dead
    if not at then
      call('HSET', key, 'at', here .. appended, field, mark .. tail)
    elseif sub(at, 1, #here + 1) == here .. ' ' then
      call('HSET', key, field, mark .. tail)
    else
      call('HSET', key, field, mark .. ' ' .. here .. tail)
    end
    call('PEXPIRE', key, ttl)
  end
end
return #KEYS
`)

/**
 * KEYS: data, then the owners' keys of those with a supplied id, in their order. ARGV: ttl, owners' ttl, place, appended, count of data,
 * then for each datum offset, created, source ('' as the one before), parents, owner ('' where the id was minted).
 */
export const NOTE = script(`${LEARN}
local ttl, idTtl, place, appended, count = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local arg, source, owners = 5, '', count
for i = 1, count do
  if ARGV[arg + 3] ~= '' then source = ARGV[arg + 3] end
  local owner = ARGV[arg + 5]
  learn(KEYS[i], call('HGET', KEYS[i], 'at'), place .. ARGV[arg + 1], appended, ARGV[arg + 2], source, ARGV[arg + 4], ttl)
  if owner ~= '' then
    owners = owners + 1
    call('SET', KEYS[owners], owner, 'NX', 'PX', idTtl)
  end
  arg = arg + 5
end
return count
`)
