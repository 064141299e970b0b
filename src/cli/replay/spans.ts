import type { PlaceRange } from '../../agents/replay-log.ts'
import type { EngineView } from '../../engine/engine.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { knownRange } from '../../stream/known-range.ts'
import type { Range } from '../../trace/trace.ts'

const READ_BYTES = 1024 * 1024

/** Some data that are chosen, to be put again together; `end`: everything before it was looked at. */
export interface Span {
  readonly ranges: readonly Range[]
  readonly end: number
}

/** The chosen data of a range in portions of so many at most. Where a key is given, those of the key: the log is read for it. */
export async function* spansOf(view: EngineView, range: PlaceRange, key: string | undefined, portion: number): AsyncGenerator<Span, void> {
  if (key === undefined) {
    for (let first = range.first; first < range.end; first += portion) {
      const end = Math.min(range.end, first + portion)
      yield { ranges: [{ first, end }], end }
    }
    return
  }
  let ranges: Range[] = []
  for await (const batch of knownRange(view, range, range, { readBytes: READ_BYTES })) {
    const cursor = new FrameCursor(batch.frames)
    while (cursor.next()) {
      if (cursor.isVoid || cursor.key !== key) continue
      const offset = batch.first + cursor.index
      ranges.push({ first: offset, end: offset + 1 })
      if (ranges.length < portion) continue
      yield { ranges, end: offset + 1 }
      ranges = []
    }
    yield { ranges, end: batch.first + batch.count }
    ranges = []
  }
}
