import type { Engine } from '../engine/engine.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { isMillraceError } from '../errors.ts'
import { knownRange } from '../stream/known-range.ts'
import type { Assigned } from '../stream/stream.ts'
import type { Topic } from '../stream/topic.ts'
import { decode } from './decode.ts'
import { Fold, type FoldingAgent } from './fold.ts'

const READ_BYTES = 1024 * 1024

type FoldSource = Pick<Engine, 'read' | 'snapshot' | 'capabilities'>

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
  engine: FoldSource,
  signal: AbortSignal,
): Promise<Fold> {
  const { first, foldFrom, offset: end } = place.checkpoint
  const holdsCopies = engine.capabilities.holdsCopies
  let fold = new Fold(agent, holdsCopies)
  fold.offset = foldFrom ?? first
  const snapshot = await engine.snapshot(group, place)
  // A snapshot beyond the committed offset would show a datum that is run again data that come after it.
  if (snapshot !== undefined && snapshot.offset <= end) fold.restore(snapshot.bytes, snapshot.offset)
  try {
    await foldUpTo(end, fold, topic, place, engine, signal)
  } catch (error) {
    // The lease has ended while it waited, and nobody will use the fold.
    if (signal.aborted) return fold
    if (foldFrom === undefined || !isMillraceError(error, 'LOG_CORRUPT')) throw error
    // The offset was set beyond what cannot be read: nobody can tell what the fold before it was.
    process.emitWarning(
      `${group} begins ${place.topic}/${place.partition} at offset ${first}, where it was set, with empty windows and states: ${error.message}`,
    )
    fold = new Fold(agent, holdsCopies)
    fold.offset = first
    await foldUpTo(end, fold, topic, place, engine, signal)
  }
  fold.begin()
  return fold
}

async function foldUpTo(end: number, fold: Fold, topic: Topic, place: Assigned, engine: FoldSource, signal: AbortSignal): Promise<void> {
  const range = { first: fold.offset, end }
  for await (const batch of knownRange(engine, place, range, { readBytes: READ_BYTES, signal })) {
    if (signal.aborted) break
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    while (cursor.next()) {
      if (fold.isCopy(cursor)) continue
      const decoded = decode(cursor, topic)
      foldAgain(fold, cursor, decoded instanceof Promise ? await decoded : decoded)
    }
  }
  fold.offset = end
}

function foldAgain(fold: Fold, cursor: FrameCursor, decoded: Awaited<ReturnType<typeof decode>>): void {
  if (decoded.error !== undefined) return
  try {
    fold.take(decoded.value, cursor.bytes, cursor.idAt, cursor.createdMs)
  } catch {
    // It threw when it was handled, too, and is in the dead letters with what it threw.
  }
}
