import { hash } from 'node:crypto'
import { formatIds, ID_BYTES, ID_CHARACTERS } from '../../../envelope/data-id.ts'
import { OTHER_SOURCE, SAME_SOURCE, UNKNOWN } from '../../trace.ts'
import type { Connection } from './connection.ts'
import { script } from './connection.ts'
import type { FrameRows } from './frame-rows.ts'
import { Grouped } from './grouped.ts'
import type { Keys } from './keys.ts'
import { textsOrNulls } from './reply.ts'

/** Of a source's hash: a whole number that Redis keeps without a string. Two sources meet in it once in 2.8 × 10^14. */
const HASH_DIGITS = 12
const MAX_SOURCES = 10_000

/** KEYS: owners. ARGV: ttl, then the owner of each. The first that was noted stays. */
const OWN = script(`
for i = 1, #KEYS do redis.call('SET', KEYS[i], ARGV[i + 1], 'NX', 'PX', ARGV[1]) end
return #KEYS
`)

/** Whose the ids are that producers gave: a small key each, which outlives the trace. */
export class Owners {
  readonly ttl: string
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #numbers = new Map<string, string>()

  constructor(connection: Connection, keys: Keys, ttlMs: number) {
    this.#connection = connection
    this.#keys = keys
    this.ttl = `${ttlMs}`
  }

  /** What stands for a source. */
  of(source: string): string {
    let number = this.#numbers.get(source)
    if (number === undefined) {
      if (this.#numbers.size === MAX_SOURCES) this.#numbers.clear()
      number = `${Number.parseInt(hash('sha256', source).slice(0, HASH_DIGITS), 16)}`
      this.#numbers.set(source, number)
    }
    return number
  }

  /** @param text of all rows' ids. */
  key(text: string, ids: Uint8Array, row: number): string {
    return this.#keys.owner(text.slice(row * ID_CHARACTERS, (row + 1) * ID_CHARACTERS), ids[row * ID_BYTES + ID_BYTES - 1]!)
  }

  async known(rows: FrameRows, known: Uint8Array): Promise<void> {
    const text = formatIds(rows.ids)
    const grouped = new Grouped(this.#keys, async ({ keys, rows: of }) => {
      const owners = textsOrNulls(await this.#connection.send(keys[0]!, ['MGET', ...keys]))
      for (const [i, row] of of.entries()) {
        const owner = owners[i] ?? null
        known[rows.index[row]!] = owner === null ? UNKNOWN : owner === this.of(rows.source[row]!) ? SAME_SOURCE : OTHER_SOURCE
      }
    })
    for (let row = 0; row < rows.count; row++) {
      if (rows.supplied[row]) grouped.add(rows.ids[row * ID_BYTES + ID_BYTES - 1]!, row, this.key(text, rows.ids, row))
    }
    await grouped.done()
  }

  /** Of rows whose data lie elsewhere than in the readable layout, which notes both at once. */
  async note(rows: FrameRows): Promise<void> {
    const text = formatIds(rows.ids)
    const grouped = new Grouped(this.#keys, async ({ keys, args }) => {
      await this.#connection.run(OWN, keys, [this.ttl, ...args])
    })
    for (let row = 0; row < rows.count; row++) {
      if (!rows.supplied[row]) continue
      const call = grouped.add(rows.ids[row * ID_BYTES + ID_BYTES - 1]!, row, this.key(text, rows.ids, row))
      call.args.push(this.of(rows.source[row]!))
    }
    await grouped.done()
  }
}
