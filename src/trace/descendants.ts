import { type EngineView, groupName } from '../engine/engine.ts'
import type { DataId } from '../envelope/data-id.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { gatheredSince } from './gathered.ts'
import type { LineageOptions } from './lineage.ts'
import { type Budget, batchesFrom, type Child, scanRange } from './scan.ts'
import type { Mark, OutputRange, TraceRecord } from './trace.ts'

type View = Pick<EngineView, 'find' | 'read' | 'bounds'>

/** How many data of the same key are followed for an agent whose window is not known. */
const LOOKAHEAD_COUNT = 64

/** What was made of a datum: by handling it, and by handling later data whose window still held it. @param agents as in {@link LineageOptions}. */
export async function childrenOf(
  view: View,
  parent: TraceRecord,
  { windows, gathering }: Pick<LineageOptions, 'windows' | 'gathering'>,
  budget: Budget,
): Promise<Child[]> {
  const children = new Map<DataId, Child>()
  for (const mark of parent.marks) {
    if (mark.state === 'claimed') continue
    const outputs = new Outputs(view, parent.dataId, budget)
    await outputs.scan(mark.outputs)
    const gathered = gathering?.get(groupName(mark))
    if (gathered === undefined) await scanLaterInWindow(view, mark, outputs, windows?.get(groupName(mark)), budget)
    else await outputs.scan(await gatheredSince(view, gathered, appendedMs(parent), budget))
    for (const child of outputs.found) if (child.related) children.set(child.dataId, child)
  }
  return [...children.values()]
}

/** Of its position in the log, the first where it has several. */
function appendedMs({ positions }: TraceRecord): number {
  return Math.min(...positions.map(position => position.appendedMs))
}

/** One agent's outputs, seen from one datum; a range that several data share is read once. */
class Outputs {
  readonly dataId: DataId
  readonly found: Child[] = []
  readonly #view: View
  readonly #budget: Budget
  readonly #scanned = new Set<string>()

  constructor(view: View, dataId: DataId, budget: Budget) {
    this.#view = view
    this.dataId = dataId
    this.#budget = budget
  }

  async scan(ranges: readonly OutputRange[]): Promise<void> {
    for (const range of ranges) {
      const name = `${range.topic}/${range.partition}/${range.first}`
      if (this.#scanned.has(name)) continue
      this.#scanned.add(name)
      this.found.push(...(await scanRange(this.#view, range, this.dataId, this.#budget)))
    }
  }
}

/**
 * The data of the same key that follow in the partition are looked up one by one, until an output of theirs no longer names the
 * datum, or nothing more has been handled. A partition without keys is followed as if it had one key.
 */
async function scanLaterInWindow(view: View, mark: Mark, outputs: Outputs, window: number | undefined, budget: Budget): Promise<void> {
  const most = window === undefined ? LOOKAHEAD_COUNT : window - 1
  if (most === 0) return
  let followed = 0
  for await (const follower of followersOf(view, mark, outputs.dataId, budget)) {
    if (followed++ === most) {
      const windowed = outputs.found.some(child => child.related && child.parentCount > 1)
      if (window === undefined && windowed) budget.truncated = true
      return
    }
    if (!budget.lookup()) return
    const record = await view.find(follower.dataId, { ...mark, offset: follower.offset })
    const theirs = record?.marks.find(other => groupName(other) === groupName(mark) && other.state === 'done')
    if (theirs === undefined) return
    await outputs.scan(theirs.outputs)
    const made = outputs.found.filter(child => child.cause === follower.dataId)
    // Without a key the next datum may be of another `by`: its outputs say nothing of this datum's window.
    if (follower.keyed && made.length > 0 && !made.some(child => child.related)) return
  }
}

interface Follower {
  readonly dataId: DataId
  readonly offset: number
  readonly keyed: boolean
}

/** The data of the same key after the marked one, read no further than they are asked for. */
async function* followersOf(view: View, mark: Mark, dataId: DataId, budget: Budget): AsyncGenerator<Follower> {
  let key: string | undefined
  for await (const batch of batchesFrom(view, mark, mark.offset, budget)) {
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    while (cursor.next()) {
      const offset = batch.first + cursor.index
      if (offset < mark.offset) continue
      if (offset === mark.offset && cursor.dataId === dataId) key = cursor.key
      // Retention has deleted the datum itself: whose key to look for is not known any more.
      else if (key === undefined) return
      else if (cursor.key === key) yield { dataId: cursor.dataId, offset, keyed: key !== '' }
    }
  }
}
