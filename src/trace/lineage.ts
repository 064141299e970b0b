import { type EngineView, groupName } from '../engine/engine.ts'
import type { DataId } from '../envelope/data-id.ts'
import { Budget, type Child, eachFrame, scanRange } from './scan.ts'
import type { Mark, OutputRange, TraceRecord } from './trace.ts'

export interface LineageOptions {
  /** Generations each way. Default 10. */
  readonly depth?: number
  /** Data in the answer. Default 1,000. */
  readonly limit?: number
  /**
   * How many data each agent's window holds, by `name@version`; 1 for an agent without one. An agent that is not named here is
   * followed until its outputs no longer hold the datum.
   */
  readonly windows?: ReadonlyMap<string, number>
}

/** A datum's ancestors and descendants as a graph. Both sides reach as far as `depth`, `limit` and the work allowed. */
export interface Lineage {
  readonly dataId: DataId
  /** The datum itself first, then its ancestors, then its descendants, nearest first. */
  readonly data: readonly LineageDatum[]
  readonly links: readonly LineageLink[]
  /** Ancestors that the trace has forgotten or retention has deleted. */
  readonly forgotten: readonly DataId[]
  /** A bound was reached: there may be more than is listed. */
  readonly truncated: boolean
}

export interface LineageDatum {
  readonly dataId: DataId
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly source: string
  readonly createdMs: number
  readonly appendedMs: number
}

export interface LineageLink {
  readonly parent: DataId
  readonly child: DataId
  /** The child was made while this parent was handled; false for the rest of a window. */
  readonly handled: boolean
}

const DEFAULT_DEPTH = 10
const DEFAULT_LIMIT = 1_000
/** What one question may cost. */
const MAX_SCAN_BYTES = 67_108_864
const MAX_LOOKUPS = 20_000
/** How many data of the same key are followed for an agent whose window is not known. */
const LOOKAHEAD_COUNT = 64

/** What of an engine lineage needs: look-ups by id, and the log. */
type LineageView = Pick<EngineView, 'find' | 'read'>

/** Where a datum came from and what became of it, or undefined where it was never seen or is forgotten. */
export async function lineage(view: LineageView, dataId: DataId, options: LineageOptions = {}): Promise<Lineage | undefined> {
  const root = await view.find(dataId)
  if (root === undefined) return undefined
  const walk = new Walk(view, options)
  walk.add(root)
  await walk.up(root)
  await walk.down(root)
  return { dataId, data: [...walk.data.values()], links: walk.links, forgotten: [...walk.forgotten], truncated: walk.budget.truncated }
}

class Walk {
  readonly data = new Map<DataId, LineageDatum>()
  readonly links: LineageLink[] = []
  readonly forgotten = new Set<DataId>()
  readonly budget = new Budget(MAX_SCAN_BYTES, MAX_LOOKUPS)
  readonly #view: LineageView
  readonly #depth: number
  readonly #limit: number
  readonly #windows: ReadonlyMap<string, number> | undefined

  constructor(view: LineageView, options: LineageOptions) {
    this.#view = view
    this.#depth = options.depth ?? DEFAULT_DEPTH
    this.#limit = options.limit ?? DEFAULT_LIMIT
    this.#windows = options.windows
  }

  add(record: TraceRecord): void {
    const at = record.positions[0]
    if (at === undefined) return
    const { dataId, source, createdMs } = record
    this.data.set(dataId, {
      dataId,
      topic: at.topic,
      partition: at.partition,
      offset: at.offset,
      source,
      createdMs,
      appendedMs: at.appendedMs,
    })
  }

  async up(root: TraceRecord): Promise<void> {
    let generation = [root]
    for (let depth = 0; generation.length > 0; depth++) {
      const next: TraceRecord[] = []
      for (const child of generation) {
        if (child.parents.length > 0 && depth === this.#depth) this.budget.truncated = true
        if (depth === this.#depth) continue
        for (const [i, parent] of child.parents.entries()) {
          const record = await this.#parent(parent)
          if (record === 'bound') return
          this.links.push({ parent, child: child.dataId, handled: i === 0 })
          if (record !== undefined) next.push(record)
        }
      }
      generation = next
    }
  }

  /** The parent's record where it is met for the first time; undefined where it is known already or forgotten. */
  async #parent(id: DataId): Promise<TraceRecord | undefined | 'bound'> {
    if (this.data.has(id) || this.forgotten.has(id)) return undefined
    if (!this.#room() || !this.budget.lookup()) return 'bound'
    const record = await this.#view.find(id)
    if (record === undefined || record.positions.length === 0) {
      this.forgotten.add(id)
      return undefined
    }
    this.add(record)
    return record
  }

  async down(root: TraceRecord): Promise<void> {
    let generation = [root]
    for (let depth = 0; generation.length > 0; depth++) {
      const next: TraceRecord[] = []
      for (const parent of generation) {
        for (const child of await this.#children(parent)) {
          if (depth === this.#depth) {
            this.budget.truncated = true
            return
          }
          const seen = this.data.has(child.dataId)
          if (!seen && !this.#room()) return
          this.links.push({ parent: parent.dataId, child: child.dataId, handled: child.cause === parent.dataId })
          if (seen) continue
          const { dataId, topic, partition, offset, source, createdMs, appendedMs } = child
          this.data.set(dataId, { dataId, topic, partition, offset, source, createdMs, appendedMs })
          if (!this.budget.lookup()) return
          const record = await this.#view.find(dataId)
          if (record !== undefined) next.push(record)
        }
      }
      generation = next
    }
  }

  #room(): boolean {
    if (this.data.size < this.#limit) return true
    this.budget.truncated = true
    return false
  }

  async #children(parent: TraceRecord): Promise<Child[]> {
    const children = new Map<DataId, Child>()
    for (const mark of parent.marks) {
      if (mark.state === 'claimed') continue
      const scanned = new Set<string>()
      const own = await this.#scan(parent.dataId, mark.outputs, scanned)
      const later = await this.#laterInWindow(parent, mark, own, scanned)
      for (const child of [...own, ...later]) if (child.related) children.set(child.dataId, child)
    }
    return [...children.values()]
  }

  async #scan(id: DataId, ranges: readonly OutputRange[], scanned: Set<string>): Promise<Child[]> {
    const found: Child[] = []
    for (const range of ranges) {
      const name = `${range.topic}/${range.partition}/${range.first}`
      if (scanned.has(name)) continue
      scanned.add(name)
      found.push(...(await scanRange(this.#view, range, id, this.budget)))
    }
    return found
  }

  /**
   * What the same agent made of later data whose window still held this one: the data of the same key that follow it in its
   * partition are looked up one by one, until an output of theirs no longer names it, or nothing more has been handled.
   */
  async #laterInWindow(parent: TraceRecord, mark: Mark, own: readonly Child[], scanned: Set<string>): Promise<Child[]> {
    const window = this.#windows?.get(groupName(mark))
    const most = window === undefined ? LOOKAHEAD_COUNT : window - 1
    if (most === 0) return []
    const followers = await this.#followers(parent, mark, most)
    const found: Child[] = []
    for (const follower of followers.ids) {
      if (!this.budget.lookup()) return found
      const record = await this.#view.find(follower)
      const theirs = record?.marks.find(other => groupName(other) === groupName(mark) && other.state === 'done')
      if (theirs === undefined) return found
      found.push(...(await this.#scan(parent.dataId, theirs.outputs, scanned)))
      const made = [...own, ...found].filter(child => child.cause === follower)
      // Without a key the next datum may be of another `by`: its outputs say nothing of this datum's window.
      if (followers.keyed && made.length > 0 && !made.some(child => child.related)) return found
    }
    const windowed = [...own, ...found].some(child => child.related && child.parentCount > 1)
    if (window === undefined && followers.more && windowed) this.budget.truncated = true
    return found
  }

  /** The data of the same key after this one, at most `most`. A partition without keys counts as one key. */
  async #followers(parent: TraceRecord, mark: Mark, most: number): Promise<{ ids: DataId[]; keyed: boolean; more: boolean }> {
    const ids: DataId[] = []
    let key: string | undefined
    let more = false
    await eachFrame(this.#view, mark, mark.offset, Number.MAX_SAFE_INTEGER, this.budget, (cursor, offset) => {
      if (offset === mark.offset) {
        if (cursor.dataId !== parent.dataId) return false
        key = cursor.key
        return true
      }
      // Retention has deleted the datum itself: whose key to look for is not known any more.
      if (key === undefined) return false
      if (cursor.key !== key) return true
      if (ids.length === most) {
        more = true
        return false
      }
      ids.push(cursor.dataId)
      return true
    })
    return { ids, keyed: key !== '', more }
  }
}
