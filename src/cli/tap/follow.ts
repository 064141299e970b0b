import { setTimeout as sleep } from 'node:timers/promises'
import type { EngineView } from '../../engine/engine.ts'
import { FrameCursor } from '../../envelope/frame.ts'

/** How often the log is looked at for something new, and how much of it is read in one go. */
const POLL_MS = 100
const READ_BYTES = 262_144

/** A datum of the log, as its cursor describes it: valid until the visitor returns. */
export interface Place {
  readonly cursor: FrameCursor
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly appendedMs: number
}

/**
 * Visits a topic's data from the given offsets on, each partition in its order, a batch of each in turn.
 * Ends when the visitor says false, the signal aborts, or (unless `live`) at what was the end when it began.
 */
export async function follow(
  view: EngineView,
  topic: string,
  from: readonly number[],
  options: {
    readonly live: boolean
    readonly signal: AbortSignal
    readonly visit: (place: Place) => boolean
    readonly caughtUp: () => Promise<unknown> | undefined
  },
): Promise<void> {
  const next = [...from]
  const ends = options.live ? undefined : (await view.bounds(topic)).map(bound => bound.next)
  while (!options.signal.aborted) {
    let moved = false
    for (let partition = 0; partition < next.length; partition++) {
      const at = next[partition]!
      if (ends !== undefined && at >= ends[partition]!) continue
      const batch = await view.read(topic, partition, at, READ_BYTES)
      if (batch.count === 0) continue
      moved = true
      next[partition] = batch.first + batch.count
      const cursor = new FrameCursor(batch.frames, batch.ascii)
      while (cursor.next()) {
        const offset = batch.first + cursor.index
        // The batch that holds the offset may begin before it.
        if (offset < at || (ends !== undefined && offset >= ends[partition]!)) continue
        if (!options.visit({ cursor, topic, partition, offset, appendedMs: batch.appendedMs })) return
      }
      await options.caughtUp()
      if (options.signal.aborted) return
    }
    if (moved) continue
    if (ends !== undefined) return
    await pause(options.signal)
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  try {
    await sleep(POLL_MS, undefined, { signal })
  } catch (error) {
    // The signal is how a tap ends; there is nothing else that a timer fails with.
    if (!signal.aborted) throw error
  }
}
