import type { EngineView } from '../../engine/engine.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import type { Position } from '../../trace/trace.ts'
import type { ShownDatum } from '../api/topics.ts'
import type { ShownData } from '../masked.ts'
import { datumToJson } from '../shown.ts'

/** The datum at a position, as people may see it; undefined where the log does not hold it any more. */
export async function datumAt(
  view: Pick<EngineView, 'read'>,
  at: Position,
  see: (cursor: FrameCursor, topic: string) => ShownData,
): Promise<ShownDatum | undefined> {
  const batch = await view.read(at.topic, at.partition, at.offset, 1)
  const cursor = new FrameCursor(batch.frames, batch.ascii)
  while (cursor.next()) {
    if (batch.first + cursor.index === at.offset) return cursor.isVoid ? undefined : datumToJson(cursor, at, see(cursor, at.topic))
  }
  return undefined
}
