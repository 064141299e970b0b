/** Writes one roll of NDJSON without compression, as a process of its own that a test can kill. */
import { systemClock } from '../../../src/clock.ts'
import { type S3Options, s3Within } from '../../../src/storage/adapters/s3/index.ts'
import { LIMITS, type Limits } from '../../../src/storage/adapters/s3/limits.ts'
import { never, rollOf, stream } from '../batches.ts'
import { largeBatches } from './large-roll.ts'

export interface ChildTask {
  readonly options: S3Options
  readonly limits: Partial<Limits>
  readonly count: number
}

const { options, limits, count } = JSON.parse(process.env.MILLRACE_ROLL ?? '{}') as ChildTask
const writer = await s3Within({ ...LIMITS, ...limits }, options).open(systemClock)
await writer.write(rollOf(0, count), stream(largeBatches(count)), never())
await writer.close()
