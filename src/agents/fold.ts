import { deserialize, serialize } from 'node:v8'
import { ID_BYTES } from '../envelope/data-id.ts'
import type { FrameCursor } from '../envelope/frame.ts'
import type { Agent } from './agent.ts'
import { Ring } from './ring.ts'
import { SeenIds } from './seen-ids.ts'

const SNAPSHOT_FORMAT = 1
const NO_IDS: Uint8Array = new Uint8Array(0)
/** Between two snapshots at least so many data are folded, and {@link SNAPSHOT_RATIO} times what a snapshot holds: its cost is spread over them. */
const SNAPSHOT_MIN_DATA = 20_000
const SNAPSHOT_RATIO = 4

/** What a handler sees of its key's past. */
export interface Folded {
  readonly key: string
  /** Oldest first, the datum itself last. */
  readonly window: readonly unknown[]
  readonly state: unknown
}

interface Held {
  readonly ring: Ring | undefined
  state: unknown
}

interface SnapshotContent {
  readonly format: number
  readonly window: number
  readonly hasState: boolean
  /** Key, window's values (oldest first), their ids (newest first), state. */
  readonly keys: readonly (readonly [string, readonly unknown[], Uint8Array, unknown])[]
  /** Ids that are remembered, to know copies by: the older ones, and those since. Absent where the log held no copies. */
  readonly ids?: readonly [Uint8Array, Uint8Array]
}

/**
 * Windows and states of one partition, by key: a fold over its log in the order of offsets, each datum folded once, whatever became
 * of it in the handler. So it can be built again from the log alone. Its memory grows with the keys: a window's values and a state each.
 */
export class Fold {
  readonly #by: (datum: unknown) => string
  readonly #window: number
  readonly #state: Agent['state']
  /** One for all data. */
  readonly #at = { id: NO_IDS, idAt: 0, createdMs: 0 }
  #keys = new Map<string, Held>()
  #values = 0
  #foldedSinceSnapshot = 0
  #mustSave: boolean
  /** Every datum below it is folded in. */
  offset = 0
  /** Ids of the last datum's window, the datum first, then newest to oldest. */
  readonly #parents: Buffer
  /** Views of it by their length: one for each datum would cost as much as its id. */
  readonly #parentViews: Buffer[] = []
  #parentsBytes = ID_BYTES
  /** Undefined where the log holds no copies. */
  readonly #seen: SeenIds | undefined

  /** @param holdsCopies the log may hold a datum several times: it is folded the first time. */
  constructor(agent: FoldingAgent, holdsCopies: boolean) {
    this.#seen = holdsCopies ? new SeenIds() : undefined
    this.#by = agent.by
    this.#window = agent.window ?? 0
    this.#state = agent.state
    this.#mustSave = agent.state?.begin !== undefined
    this.#parents = Buffer.allocUnsafe(Math.max(1, this.#window) * ID_BYTES)
  }

  /**
   * Whether the next position holds no datum, or one that was folded before: then it is folded no more. It is asked of every datum of the log, in its order,
   * whatever the trace says, so that the fold is the same each time it is built.
   */
  isCopy(cursor: FrameCursor): boolean {
    return this.#seen !== undefined && (cursor.isVoid || this.#seen.meet(cursor.bytes, cursor.idAt))
  }

  /** Folds the next datum in. @throws what `by` or `update` throw: then nothing was folded. */
  take(value: unknown, id: Uint8Array, idAt: number, createdMs = 0): Folded {
    const key = this.#keyOf(value)
    const known = this.#keys.get(key)
    const held = known ?? this.#fresh()
    if (this.#state !== undefined) this.#update(held, value, id, idAt, createdMs)
    if (known === undefined) this.#keys.set(key, held)
    this.#foldedSinceSnapshot++
    if (held.ring === undefined) {
      for (let i = 0; i < ID_BYTES; i++) this.#parents[i] = id[idAt + i]!
      return { key, window: NO_WINDOW, state: held.state }
    }
    const before = held.ring.held
    held.ring.push(value, id, idAt)
    this.#values += held.ring.held - before
    this.#parentsBytes = held.ring.idsInto(this.#parents, 0)
    return { key, window: held.ring.toArray(), state: held.state }
  }

  /** The key's window and state as they are now, with a datum that was folded before and comes again put last. */
  look(value: unknown, id: Uint8Array, idAt: number): Folded {
    const key = this.#keyOf(value)
    const held = this.#keys.get(key) ?? this.#fresh()
    const own = Buffer.from(id.subarray(idAt, idAt + ID_BYTES))
    own.copy(this.#parents)
    this.#parentsBytes = ID_BYTES
    const state = this.#state?.again === undefined ? held.state : this.#state.again(held.state)
    if (held.ring === undefined) return { key, window: NO_WINDOW, state }
    const ids = Buffer.allocUnsafe(held.ring.held * ID_BYTES)
    held.ring.idsInto(ids, 0)
    const newestFirst = held.ring.toArray().reverse()
    const window = [value]
    for (let i = 0; i < newestFirst.length && window.length < this.#window; i++) {
      const other = ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES)
      if (other.equals(own)) continue
      window.push(newestFirst[i])
      other.copy(this.#parents, this.#parentsBytes)
      this.#parentsBytes += ID_BYTES
    }
    return { key, window: window.reverse(), state }
  }

  /** Of the datum that was taken or looked at last: its id, then the rest of its window's, newest to oldest. Overwritten by the next. */
  get parents(): Uint8Array {
    const ids = this.#parentsBytes / ID_BYTES
    this.#parentViews[ids] ??= this.#parents.subarray(0, this.#parentsBytes)
    return this.#parentViews[ids]
  }

  get changed(): boolean {
    return this.#foldedSinceSnapshot > 0
  }

  /** The log up to the agent's place is folded in: what comes next is folded by the options of now. */
  begin(): void {
    for (const { state } of this.#keys.values()) if (this.#state?.begin?.(state) === true) this.#mustSave = true
  }

  /** No commit may move the place without a snapshot: a fold that is built again would not know by which options this one was. */
  get mustSave(): boolean {
    return this.#mustSave && this.changed
  }

  /** How urgent a snapshot is: due from 1 on. */
  get snapshotDue(): number {
    if (this.#foldedSinceSnapshot < SNAPSHOT_MIN_DATA) return 0
    return this.#foldedSinceSnapshot / Math.max(SNAPSHOT_MIN_DATA, SNAPSHOT_RATIO * (this.#values + this.#keys.size))
  }

  /** @throws TypeError where a value or state cannot be cloned. */
  snapshot(): Uint8Array {
    const keys: SnapshotContent['keys'] = [...this.#keys].map(([key, { ring, state }]) => {
      if (ring === undefined) return [key, NO_WINDOW, NO_IDS, this.#state?.save?.(state) ?? state]
      const ids = Buffer.allocUnsafe(ring.held * ID_BYTES)
      ring.idsInto(ids, 0)
      return [key, ring.toArray(), ids, state]
    })
    const content: SnapshotContent = {
      ...{ format: SNAPSHOT_FORMAT, window: this.#window, hasState: this.#state !== undefined, keys },
      ...(this.#seen === undefined ? {} : { ids: this.#seen.content }),
    }
    try {
      return serialize(content)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new TypeError(
        `A window or state cannot be kept: ${why} Let the schema and 'state' give plain data (no functions, symbols or promises).`,
        {
          cause,
        },
      )
    }
  }

  /** The snapshot was committed, or need not be: the next is due only after as much again. */
  snapshotTaken(): void {
    this.#foldedSinceSnapshot = 0
    this.#mustSave = false
  }

  /** @returns false, with nothing changed, where the snapshot cannot be read or is of another window: the log says the same from its beginning. */
  restore(bytes: Uint8Array, offset: number): boolean {
    const content = readSnapshot(bytes)
    if (content === undefined) return false
    if (content.format !== SNAPSHOT_FORMAT || content.window !== this.#window || content.hasState !== (this.#state !== undefined))
      return false
    this.#keys = new Map()
    this.#values = 0
    for (const [key, values, ids, saved] of content.keys) {
      const state = this.#state?.load === undefined ? saved : this.#state.load(saved)
      this.#values += this.#state?.size?.(state) ?? 0
      const ring = this.#window > 0 ? new Ring(this.#window) : undefined
      for (let i = 0; i < values.length; i++) ring?.push(values[i], ids, (values.length - 1 - i) * ID_BYTES)
      this.#values += values.length
      this.#keys.set(key, { ring, state })
    }
    if (content.ids !== undefined) this.#seen?.restore(content.ids)
    this.#mustSave = false
    this.offset = offset
    return true
  }

  #update(held: Held, value: unknown, id: Uint8Array, idAt: number, createdMs: number): void {
    const { update, size } = this.#state!
    const before = size === undefined ? 0 : size(held.state)
    this.#at.id = id
    this.#at.idAt = idAt
    this.#at.createdMs = createdMs
    held.state = update(held.state, value, this.#at)
    if (size !== undefined) this.#values += size(held.state) - before
  }

  #fresh(): Held {
    return { ring: this.#window > 0 ? new Ring(this.#window) : undefined, state: this.#state?.init() }
  }

  #keyOf(value: unknown): string {
    const key = this.#by(value)
    if (typeof key !== 'string') throw new TypeError(`'by' gave ${key === null ? 'null' : typeof key}; it must give a string.`)
    return key
  }
}

/**
 * A snapshot from a log that held no copies, for the same data in one that may hold some: `ids`, those folded last, are remembered. One that
 * cannot be read stays as it is.
 */
export function rememberingIds(snapshot: Uint8Array, ids: Uint8Array): Uint8Array {
  const content = readSnapshot(snapshot)
  return content?.format === SNAPSHOT_FORMAT ? serialize({ ...content, ids: [ids, NO_IDS] }) : snapshot
}

function readSnapshot(bytes: Uint8Array): SnapshotContent | undefined {
  try {
    // Only snapshot() writes these bytes; the caller checks their format.
    return deserialize(bytes) as SnapshotContent
  } catch {
    return undefined
  }
}

export type FoldingAgent = Pick<Agent, 'window' | 'state'> & { readonly by: (datum: unknown) => string }

/** Whether the agent keeps anything between its data. */
export function folds(agent: Agent): agent is Agent & FoldingAgent {
  return agent.by !== undefined && (agent.window !== undefined || agent.state !== undefined)
}

export const NO_WINDOW: readonly unknown[] = Object.freeze([])
