import { FrameCursor } from '../../envelope/frame.ts'
import { MillraceError } from '../../errors.ts'
import type { AppendBatch } from '../../stream/stream.ts'

/**
 * Refuses what the stream would refuse later, when its producer has long been told that it is kept. A batch that is small as a whole is not
 * looked into. @throws BODY_TOO_LARGE
 */
export function checkSizes(batches: readonly AppendBatch[], maxDatumBytes: number | undefined): void {
  if (maxDatumBytes === undefined) return
  for (const { topic, frames } of batches) {
    if (frames.length <= maxDatumBytes) continue
    const cursor = new FrameCursor(frames)
    while (cursor.next()) {
      const bytes = cursor.end - cursor.start
      if (bytes <= maxDatumBytes) continue
      throw new MillraceError(
        'BODY_TOO_LARGE',
        `A datum of ${bytes} bytes is too large for topic '${topic}': the stream takes ${maxDatumBytes}.`,
        {
          fix: 'Send it in parts, or raise the largest message that the stream’s topic takes.',
        },
      )
    }
  }
}
