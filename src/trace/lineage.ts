import type { EngineView } from '../engine/engine.ts'
import type { DataId } from '../envelope/data-id.ts'
import { locateWindow } from './ancestors.ts'
import { childrenOf } from './descendants.ts'
import { Budget, type Placed } from './scan.ts'
import type { Position, TraceRecord } from './trace.ts'

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
  /** The topics that agents which gather put windows and pairs into, by `name@version`. */
  readonly gathering?: ReadonlyMap<string, readonly string[]>
}

/** A datum's ancestors and descendants as a graph. Both sides reach as far as `depth`, `limit` and the work allowed. */
export interface Lineage {
  readonly dataId: DataId
  /** The datum itself first, then its ancestors, then its descendants, nearest first. */
  readonly data: readonly Placed[]
  readonly links: readonly LineageLink[]
  /** Ancestors that the trace has forgotten or retention has deleted. */
  readonly forgotten: readonly DataId[]
  /** A bound was reached: there may be more than is listed. */
  readonly truncated: boolean
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
/** What of an engine lineage needs: look-ups by id, and the log. */
type LineageView = Pick<EngineView, 'find' | 'read' | 'bounds'>

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
  readonly data = new Map<DataId, Placed>()
  readonly links: LineageLink[] = []
  readonly forgotten = new Set<DataId>()
  readonly budget = new Budget(MAX_SCAN_BYTES, MAX_LOOKUPS)
  readonly #view: LineageView
  readonly #depth: number
  readonly #limit: number
  readonly #agents: Pick<LineageOptions, 'windows' | 'gathering'>

  constructor(view: LineageView, options: LineageOptions) {
    this.#view = view
    this.#depth = options.depth ?? DEFAULT_DEPTH
    this.#limit = options.limit ?? DEFAULT_LIMIT
    this.#agents = options
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
        const records = await this.#parents(child)
        for (const [i, parent] of child.parents.entries()) {
          const record = records.get(parent)
          if (!this.data.has(parent) && !this.forgotten.has(parent)) return
          this.links.push({ parent, child: child.dataId, handled: i === 0 })
          if (record !== undefined) next.push(record)
        }
      }
      generation = next
    }
  }

  /** The parents that are met for the first time; none after a bound was reached. */
  async #parents(child: TraceRecord): Promise<Map<DataId, TraceRecord>> {
    const met = new Map<DataId, TraceRecord>()
    const [handled, ...rest] = child.parents
    await this.#meet(handled, met)
    const newest = handled === undefined ? undefined : this.data.get(handled)
    const unknown = rest.filter(id => !this.data.has(id) && !this.forgotten.has(id))
    const places = newest === undefined ? new Map() : await locateWindow(this.#view, newest, unknown, this.budget)
    for (const id of unknown) await this.#meet(id, met, places.get(id))
    return met
  }

  async #meet(id: DataId | undefined, met: Map<DataId, TraceRecord>, at?: Pick<Position, 'topic' | 'partition' | 'offset'>): Promise<void> {
    if (id === undefined || this.data.has(id) || this.forgotten.has(id)) return
    if (!this.#room() || !this.budget.lookup()) return
    await this.budget.breathe()
    const record = await this.#view.find(id, at)
    if (record === undefined || record.positions.length === 0) this.forgotten.add(id)
    else {
      this.add(record)
      met.set(id, record)
    }
  }

  async down(root: TraceRecord): Promise<void> {
    let generation = [root]
    for (let depth = 0; generation.length > 0; depth++) {
      const next: TraceRecord[] = []
      for (const parent of generation) {
        for (const child of await childrenOf(this.#view, parent, this.#agents, this.budget)) {
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
          await this.budget.breathe()
          const record = await this.#view.find(dataId, child)
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
}
