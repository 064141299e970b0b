import type { Engine } from '../engine/engine.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { knownRange } from '../stream/known-range.ts'
import type { Assigned } from '../stream/stream.ts'
import type { Topic } from '../stream/topic.ts'
import { decode } from './decode.ts'
import { Fold, type FoldingAgent } from './fold.ts'

const READ_BYTES = 1024 * 1024

/**
 * The fold of a partition as it was at the committed offset: the last snapshot, then the log after it. No handler is run. What could not
 * be folded the first time (it did not match the schema, `update` threw) is passed over again, and what retention has taken is not there.
 * @throws STREAM_UNAVAILABLE where the stream does not show what it holds: the next snapshot would make a gap durable.
 */
export async function rebuildFold(
  agent: FoldingAgent,
  topic: Topic,
  place: Assigned,
  group: string,
  engine: Pick<Engine, 'read' | 'snapshot' | 'capabilities'>,
  signal: AbortSignal,
): Promise<Fold> {
  const fold = new Fold(agent, engine.capabilities.holdsCopies)
  const { first, offset: end } = place.checkpoint
  fold.offset = first
  const snapshot = await engine.snapshot(group, place)
  // A snapshot beyond the committed offset would show a datum that is run again data that come after it.
  if (snapshot !== undefined && snapshot.offset <= end) fold.restore(snapshot.bytes, snapshot.offset)
  const range = { first: fold.offset, end }
  try {
    for await (const batch of knownRange(engine, place, range, { readBytes: READ_BYTES, signal })) {
      if (signal.aborted) break
      const cursor = new FrameCursor(batch.frames, batch.ascii)
      while (cursor.next()) {
        if (fold.isCopy(cursor)) continue
        const decoded = decode(cursor, topic)
        foldAgain(fold, cursor, decoded instanceof Promise ? await decoded : decoded)
      }
    }
  } catch (error) {
    // The lease has ended while it waited, and nobody will use the fold.
    if (!signal.aborted) throw error
  }
  fold.offset = end
  return fold
}

function foldAgain(fold: Fold, cursor: FrameCursor, decoded: Awaited<ReturnType<typeof decode>>): void {
  if (decoded.error !== undefined) return
  try {
    fold.take(decoded.value, cursor.bytes, cursor.idAt)
  } catch {
    // It threw when it was handled, too, and is in the dead letters with what it threw.
  }
}
