import { onTestFinished } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { type SqliteOptions, sqlite } from '../../../src/storage/adapters/sqlite/index.ts'
import type { Roll, RollingWriter, Written } from '../../../src/storage/storage.ts'
import type { RecordBatch } from '../../../src/stream/stream.ts'
import type { Topic } from '../../../src/stream/topic.ts'
import { never, rollOf, stream } from '../batches.ts'
import type { Scratch } from './scratch.ts'

/** A writer of a store in the test's own file, closed when the test ends. */
export async function writerIn({ file }: Pick<Scratch, 'file'>, options: SqliteOptions = {}): Promise<RollingWriter> {
  const writer = await sqlite(file, options).open(systemClock)
  onTestFinished(() => writer.close())
  return writer
}

/** Writes all of the batches as one roll. */
export function writeAll(
  writer: RollingWriter,
  topic: Topic,
  batches: readonly RecordBatch[],
  more: Partial<Roll> = {},
  signal = never(),
): Promise<Written> {
  const last = batches.at(-1)
  const roll = rollOf(batches[0]?.first ?? 0, last === undefined ? 0 : last.first + last.count, { topic, ...more })
  return writer.write(roll, stream(batches), signal)
}
