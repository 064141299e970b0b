import type { EngineView } from '../engine/engine.ts'
import type { DataId } from '../envelope/data-id.ts'
import { type Budget, eachFrame } from './scan.ts'
import type { Position } from './trace.ts'

type Place = Pick<Position, 'topic' | 'partition' | 'offset'>

/** How far back a window is looked for, and the first step of it. */
const LOOKBACK_COUNT = 65_536
const STEP_COUNT = 1_024

/**
 * Where the rest of a window is: before the datum handled, in its partition, most likely a little before. One look back finds
 * them all together, where a search by id alone would be one for each.
 * @param handled the window's newest datum.
 * @returns the positions of those that were found.
 */
export async function locateWindow(
  view: Pick<EngineView, 'read'>,
  handled: Place,
  ids: readonly DataId[],
  budget: Budget,
): Promise<Map<DataId, Place>> {
  const wanted = new Set(ids)
  const found = new Map<DataId, Place>()
  let end = handled.offset
  for (let step = STEP_COUNT; end > 0 && found.size < wanted.size && handled.offset - end < LOOKBACK_COUNT; step *= 2) {
    const first = Math.max(0, end - step)
    await eachFrame(view, handled, first, end, budget, (cursor, offset) => {
      const { dataId } = cursor
      if (wanted.has(dataId)) found.set(dataId, { topic: handled.topic, partition: handled.partition, offset })
      return true
    })
    // Retention has passed what is further back, or there is nothing left to spend.
    if (!budget.canRead) break
    end = first
  }
  return found
}
