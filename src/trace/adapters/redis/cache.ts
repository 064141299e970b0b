import { randomUUID } from 'node:crypto'
import { MillraceError } from '../../../errors.ts'
import type { CachedEntry, CachedValue, CacheStore } from '../../trace.ts'
import { type Connection, script } from './connection.ts'
import type { Keys } from './keys.ts'
import { listOf, textOrNull, textsOf, textsOrNulls } from './reply.ts'

/*
 * A cache is one hash, so that all of it is there or nothing is, whatever evicts or flushes: for each key a text of
 * `topic partition offset updated_ms revision value`, and three fields of the cache's own, which begin with a zero byte. A key that does
 * so itself has another before it.
 */
const REVISION = '\0revision'
/** There is all that the cache should hold. */
const BEGUN = '\0begun'
/** Made with the hash: who fills the cache in several calls sees by it whether the first ones are still there. */
const MADE = '\0made'

function inLua(field: string): string {
  return `'${field.replace('\0', '\\0')}'`
}

const MAX_WRITES = 500
const MAX_CALL_CHARACTERS = 1_000_000
const SCAN_COUNT = '1000'

/**
 * KEYS: the cache. ARGV: '1' only where it was begun, '1' to say that it is complete, what `\0made` must be ('' for anything), what it
 * becomes where the hash is made, what the revision begins at, then for each write key, topic, partition, offset, updated_ms, value.
 * Answers with what `\0made` is, or '' where nothing was written: not begun, or made anew since.
 */
const WRITE = script(`
local cache, made = KEYS[1], ARGV[3]
local state = redis.call('HMGET', cache, ${inLua(REVISION)}, ${inLua(BEGUN)}, ${inLua(MADE)})
if ARGV[1] == '1' and not state[2] then return '' end
if made ~= '' and state[3] ~= made then return '' end
if not state[3] then
  redis.call('HSET', cache, ${inLua(MADE)}, ARGV[4], ${inLua(REVISION)}, ARGV[5])
  state[1], state[3] = ARGV[5], ARGV[4]
end
local before = tonumber(state[1])
local revision = before
for i = 6, #ARGV, 6 do
  local key, topic, partition, offset = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local held = redis.call('HGET', cache, key)
  local older = true
  if held then
    local t, p, o = string.match(held, '^(%S+) (%S+) (%S+)')
    older = t ~= topic or p ~= partition or tonumber(o) < tonumber(offset)
  end
  if older then
    revision = revision + 1
    local text = topic .. ' ' .. partition .. ' ' .. offset .. ' ' .. ARGV[i + 4] .. ' ' .. string.format('%.0f', revision) .. ' '
    redis.call('HSET', cache, key, text .. ARGV[i + 5])
  end
end
if revision ~= before then redis.call('HSET', cache, ${inLua(REVISION)}, string.format('%.0f', revision)) end
if ARGV[2] == '1' then redis.call('HSET', cache, ${inLua(BEGUN)}, '1') end
return state[3]
`)

/** The latest value of each key, for asking. No entry of it expires; all of it may vanish, and then it says so. */
export class RedisCaches implements CacheStore {
  readonly #connection: Connection
  readonly #keys: Keys
  /** Caches that are being filled: what their hash was made with. */
  readonly #filling = new Map<string, string>()

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection
    this.#keys = keys
  }

  async write(cache: string, writes: readonly CachedValue[]): Promise<boolean> {
    this.#connection.check()
    for (const part of parts(writes)) if ((await this.#write(cache, part, { onlyBegun: true })) === '') return false
    return true
  }

  async begin(cache: string, writes: readonly CachedValue[], complete: boolean): Promise<void> {
    this.#connection.check()
    const all = [...parts(writes)]
    for (const [i, part] of all.entries()) {
      const made = await this.#write(cache, part, { complete: complete && i === all.length - 1, made: this.#filling.get(cache) ?? '' })
      if (made === '') {
        this.#filling.delete(cache)
        throw new MillraceError('TRACE_UNAVAILABLE', `Cache '${cache}' was lost at ${this.#connection.where} while it was being filled.`, {
          fix: 'It is filled again from its beginning by itself.',
        })
      }
      this.#filling.set(cache, made)
    }
    if (complete) this.#filling.delete(cache)
  }

  async view(cache: string): Promise<{ revision: number; entries: CachedEntry[] } | undefined> {
    const before = await this.#state(cache)
    if (before === undefined) return undefined
    // A scan may show a field twice.
    const entries = new Map<string, CachedEntry>()
    const key = this.#keys.cache(cache)
    let cursor = '0'
    do {
      const [next = null, page = []] = listOf(await this.#connection.send(key, ['HSCAN', key, cursor, 'COUNT', SCAN_COUNT]))
      const pairs = textsOf(page)
      for (let i = 0; i + 1 < pairs.length; i += 2) {
        const field = pairs[i]!
        if (isEntry(field)) entries.set(field, entryOf(keyOf(field), pairs[i + 1]!))
      }
      cursor = textOrNull(next) ?? '0'
    } while (cursor !== '0')
    // One that was lost on the way, and perhaps made again, was only seen in part.
    const after = await this.#state(cache)
    if (after?.made !== before.made) return undefined
    const all = [...entries.values()]
    return { revision: all.reduce((most, entry) => Math.max(most, entry.revision), before.revision), entries: all }
  }

  async entry(cache: string, key: string): Promise<CachedEntry | null | undefined> {
    const at = this.#keys.cache(cache)
    const [begun, held] = textsOrNulls(await this.#connection.send(at, ['HMGET', at, BEGUN, fieldOf(key)]))
    if (begun === null || begun === undefined) return undefined
    return held === null || held === undefined ? null : entryOf(key, held)
  }

  async #state(cache: string): Promise<{ revision: number; made: string } | undefined> {
    const key = this.#keys.cache(cache)
    const [revision, begun, made] = textsOrNulls(await this.#connection.send(key, ['HMGET', key, REVISION, BEGUN, MADE]))
    if (begun === null || begun === undefined) return undefined
    return { revision: Number(revision), made: made ?? '' }
  }

  async #write(
    cache: string,
    writes: readonly CachedValue[],
    { onlyBegun = false, complete = false, made = '' }: { onlyBegun?: boolean; complete?: boolean; made?: string },
  ): Promise<string> {
    // Above all revisions of a cache of this name that was lost, unless that was written to a thousand times a millisecond: a reader that
    // holds an old revision must not take a new value for the old one.
    const revision = Date.now() * 1000
    const args = [onlyBegun ? '1' : '0', complete ? '1' : '0', made, randomUUID(), `${revision}`]
    for (const { key, topic, partition, offset, updatedMs, value } of writes) {
      args.push(fieldOf(key), topic, `${partition}`, `${offset}`, `${updatedMs}`, value)
    }
    return textOrNull(await this.#connection.run(WRITE, [this.#keys.cache(cache)], args)) ?? ''
  }
}

/** At least one, so that what is asked is asked also without writes. */
function* parts(writes: readonly CachedValue[]): Generator<readonly CachedValue[]> {
  let from = 0
  let characters = 0
  for (const [i, { value }] of writes.entries()) {
    if (i > from && (i - from === MAX_WRITES || characters + value.length > MAX_CALL_CHARACTERS)) {
      yield writes.slice(from, i)
      from = i
      characters = 0
    }
    characters += value.length
  }
  yield writes.slice(from)
}

function fieldOf(key: string): string {
  return key.startsWith('\0') ? `\0${key}` : key
}

function isEntry(field: string): boolean {
  return !field.startsWith('\0') || field.startsWith('\0\0')
}

function keyOf(field: string): string {
  return field.startsWith('\0') ? field.slice(1) : field
}

function entryOf(key: string, held: string): CachedEntry {
  const match = /^\S+ \d+ -?\d+ (\d+(?:\.\d+)?) (\d+) (.*)$/s.exec(held)
  if (match === null)
    throw new TypeError(`A cache's entry should read 'topic partition offset updated_ms revision value'; it is ${held.slice(0, 100)}.`)
  return { key, value: match[3]!, updatedMs: Number(match[1]), revision: Number(match[2]) }
}
