import type { EngineView } from '../../src/engine/engine.ts'
import { formatId, ID_BYTES } from '../../src/envelope/data-id.ts'
import { FrameCursor } from '../../src/envelope/frame.ts'

const READ_BYTES = 4_000_000

export interface Datum {
  readonly id: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly parents: readonly string[]
  readonly value: Record<string, unknown>
}

/** One that was read from the log. */
export interface Logged extends Datum {
  readonly createdMs: number
}

/** All that a topic holds, partition by partition, in the order of the log. Nothing where there is no such topic. */
export async function readLog(view: Pick<EngineView, 'topics' | 'bounds' | 'read'>, topic: string): Promise<Logged[]> {
  const data: Logged[] = []
  // A process killed while it started may not have made its topics yet.
  if (!(await view.topics()).some(spec => spec.name === topic)) return data
  for (const [partition, { first }] of (await view.bounds(topic)).entries()) {
    for (let offset = first; ; ) {
      const batch = await view.read(topic, partition, offset, READ_BYTES)
      if (batch.count === 0) break
      const cursor = new FrameCursor(batch.frames, batch.ascii)
      while (cursor.next()) {
        if (cursor.isVoid || batch.first + cursor.index < offset) continue
        const { parents } = cursor
        const ids = Array.from({ length: cursor.parentCount }, (_, i) => formatId(parents, i * ID_BYTES))
        data.push({
          id: cursor.dataId,
          topic,
          partition,
          offset: batch.first + cursor.index,
          parents: ids,
          createdMs: cursor.createdMs,
          value: JSON.parse(cursor.dataText),
        })
      }
      offset = batch.first + batch.count
    }
  }
  return data
}
