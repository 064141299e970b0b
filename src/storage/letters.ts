import type { DeadLetter } from '../agents/dead-letter.ts'
import { FrameCursor } from '../envelope/frame.ts'
import type { Stream, TopicPartition } from '../stream/stream.ts'
import type { AgentVersion } from '../trace/trace.ts'
import { cut } from './exact-range.ts'
import type { Written } from './storage.ts'

/**
 * The dead letters of what a store could not hold, each with its datum, read again from the stream: few are expected. What retention has
 * taken meanwhile has none.
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
    const one = cut(await stream.read(place.topic, place.partition, offset, 1), offset, offset + 1)
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
  return letters
}
