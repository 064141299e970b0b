import type { CacheWrite } from '../engine/engine.ts'
import { ID_BYTES, parseId } from '../envelope/data-id.ts'
import type { DeadMark, Range } from '../trace/trace.ts'
import type { Cache } from './cache.ts'
import type { Outcome } from './checkpoint-tracker.ts'
import type { DeadLetter } from './dead-letter.ts'

/** What an agent did since its last commit, in one partition: the next unit of work as it gathers. Outputs gather in `outputs.ts`. */
export class Unit {
  readonly done: Range[] = []
  readonly dead: DeadMark[] = []
  readonly attempts: { readonly offset: number; readonly attempts: number }[] = []
  readonly letters: DeadLetter[] = []
  readonly counts: Record<Outcome, number> = { done: 0, dead: 0, duplicate: 0 }
  /** How much of it a version did that gets a share of the data. */
  readonly ramped = new Share()
  /** Ids of `done`, in the order of marking, and of `dead`. */
  #doneIds = Buffer.allocUnsafe(FIRST_IDS * ID_BYTES)
  #doneCount = 0
  readonly #deadIds: Buffer[] = []
  readonly #cache = new Map<Cache, Map<string, CacheWrite>>()
  readonly startedMs: number
  /** When the oldest of it was claimed and appended. */
  claimedMs = Number.POSITIVE_INFINITY
  appendedMs = Number.POSITIVE_INFINITY
  retries = 0
  /** Of the letters' frames. */
  letterBytes = 0
  lost = 0

  constructor(startedMs: number) {
    this.startedMs = startedMs
  }

  /** How many data it finishes. */
  get size(): number {
    return this.counts.done + this.counts.dead + this.counts.duplicate
  }

  get empty(): boolean {
    return this.size === 0 && this.lost === 0
  }

  /** Data of a batch that was claimed and appended then are in it. */
  covers(claimedMs: number, appendedMs: number): void {
    if (claimedMs < this.claimedMs) this.claimedMs = claimedMs
    if (appendedMs < this.appendedMs) this.appendedMs = appendedMs
  }

  /** The datum was handled here. */
  markDone(offset: number, id: Uint8Array, idAt: number): void {
    const at = this.#doneCount++ * ID_BYTES
    if (at === this.#doneIds.length) this.#doneIds = Buffer.concat([this.#doneIds, Buffer.allocUnsafe(at)])
    for (let i = 0; i < ID_BYTES; i++) this.#doneIds[at + i] = id[idAt + i]!
    const last = this.done.at(-1)
    if (last !== undefined && last.end === offset) this.done[this.done.length - 1] = { first: last.first, end: offset + 1 }
    else this.done.push({ first: offset, end: offset + 1 })
  }

  bury(letter: DeadLetter): void {
    this.letters.push(letter)
    this.#deadIds.push(parseId(letter.dataId))
    this.letterBytes += letter.frame.length
    this.dead.push({ offset: letter.offset, reason: reasonLine(letter.error) })
  }

  /** Of everything marked, in the order of {@link done} and {@link dead}. */
  get ids(): Uint8Array {
    return Buffer.concat([this.#doneIds.subarray(0, this.#doneCount * ID_BYTES), ...this.#deadIds])
  }

  /** Keeps a key's newest value: an older datum that was retried must not put its own over it. */
  cached(cache: Cache, write: CacheWrite): void {
    let keys = this.#cache.get(cache)
    if (keys === undefined) {
      keys = new Map()
      this.#cache.set(cache, keys)
    }
    const known = keys.get(write.key)
    if (known === undefined || known.offset <= write.offset) keys.set(write.key, write)
  }

  get cache(): CacheWrite[] {
    return [...this.#cache.values()].flatMap(keys => [...keys.values()])
  }
}

const MAX_REASON_LENGTH = 300
const FIRST_IDS = 64

function reasonLine(error: DeadLetter['error']): string {
  const line = `${error.code ?? error.name}: ${error.message}`.replaceAll(/\s+/g, ' ')
  return line.length > MAX_REASON_LENGTH ? `${line.slice(0, MAX_REASON_LENGTH - 1)}…` : line
}

/** What a version did of a unit that is another's. */
export class Share {
  doneCount = 0
  deadCount = 0
  retries = 0
  outputs = 0

  done(attempts: number, outputs: number): void {
    this.doneCount++
    this.retries += attempts - 1
    this.outputs += outputs
  }

  dead(attempts: number): void {
    this.deadCount++
    this.retries += attempts - 1
  }
}
