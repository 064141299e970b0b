import type { DeadLetter } from '../agents/dead-letter.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { knownRange } from '../stream/known-range.ts'
import type { Stream, TopicPartition } from '../stream/stream.ts'
import type { AgentVersion } from '../trace/trace.ts'
import type { Written } from './storage.ts'

/**
 * The dead letters of what a store could not hold, each with its datum, read again from the stream: few are expected. What retention has
 * taken meanwhile has none.
 * @throws STREAM_UNAVAILABLE where the stream does not show what it holds.
 */
export async function lettersOf(
  stream: Pick<Stream, 'read'>,
  agent: AgentVersion,
  place: TopicPartition,
  unstorable: Written['unstorable'],
  atMs: number,
): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = []
  for (const { offset, reason } of unstorable) {
    for await (const one of knownRange(stream, place, { first: offset, end: offset + 1 }, { readBytes: 1 })) {
      const cursor = new FrameCursor(one.frames)
      if (!cursor.next()) continue
      letters.push({
        agent,
        topic: place.topic,
        partition: place.partition,
        offset,
        dataId: cursor.dataId,
        error: { code: 'RECORD_UNSTORABLE', name: 'MillraceError', message: reason },
        attempts: 1,
        atMs,
        frame: Uint8Array.from(cursor.frame),
      })
    }
  }
  return letters
}
