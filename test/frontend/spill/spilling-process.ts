import { appendFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../../src/clock.ts'
import { openEmbedded } from '../../../src/engine/embedded/index.ts'
import { MillraceError } from '../../../src/errors.ts'
import { openSpill } from '../../../src/frontend/spill/open.ts'
import type { SpillState } from '../../../src/frontend/spill/spill.ts'
import type { AppendBatch, Appended } from '../../../src/stream/stream.ts'
import { batch, dataOf } from '../../../src/testing/suite-data.ts'

/*
 * Appends to a spill while its stream, a file, comes and goes; says in another file what was acknowledged. `dieIn` names the state in
 * which it kills itself as soon as the stream has taken an append: after it, and before anything knows of it. With `spilling` the stream stays
 * away, and somebody else kills it. With `end` the stream is there, and it ends in order once everything is in it.
 */

const PARTITIONS = 2
const WRITERS = 6
const OUTAGE_MS = 250
/** So that an outage leaves more than can be handed over at once. */
const PADDING = ' '.repeat(4_000)
const [, , directory = '', life = '', dieIn = ''] = process.argv
// Set by hand, so no cast is hidden in it.
const doomed = dieIn as SpillState | 'end'
let isUp = doomed !== 'spilling'
let sawOutage = false
let isOver = false

const stream = {
  async append(batches: readonly AppendBatch[]): Promise<Appended[]> {
    await new Promise(resolve => setImmediate(resolve))
    if (!isUp) throw new MillraceError('STREAM_UNAVAILABLE', 'Away.')
    const lines = batches.flatMap(({ topic, partition, frames, count, ascii }) =>
      dataOf({ topic, partition, first: 0, count, frames, ascii, appendedMs: 0 }).map(({ text }) => `${partition} ${text.trimEnd()}\n`),
    )
    appendFileSync(join(directory, 'stream.log'), lines.join(''))
    const { state } = spill.status()
    if (state !== 'direct') sawOutage = true
    if (sawOutage && state === doomed) process.kill(process.pid, 'SIGKILL')
    return batches.map(({ count }) => ({ first: 0, count, duplicates: [], taken: [] }))
  },
}

const spill = await openSpill({
  stream,
  directory: join(directory, 'spill'),
  maxBytes: 100_000_000,
  topics: [{ name: 'demand', partitions: PARTITIONS }],
  clock: systemClock,
  openLog: openEmbedded,
  random: () => 0,
})

async function write(writer: number): Promise<void> {
  for (let turn = 0; !isOver; turn++) {
    const partition = turn % PARTITIONS
    const text = `${life}-${writer}-${turn}`
    await spill.append([batch('demand', partition, [text + PADDING])])
    appendFileSync(join(directory, 'acknowledged.log'), `${partition} ${text}\n`)
  }
}

/** The stream comes and goes until the state is met. */
async function flap(): Promise<void> {
  while (!isOver) {
    await sleep(OUTAGE_MS)
    isUp = !isUp
  }
}

if (doomed === 'end') {
  await spill.append([batch('demand', 0, [`${life}-0-0`])])
  appendFileSync(join(directory, 'acknowledged.log'), `0 ${life}-0-0\n`)
  while (spill.status().state !== 'direct') await sleep(5)
  isOver = true
  const left = await spill.close(5_000)
  process.exitCode = left === 0 && !existsSync(join(directory, 'spill', 'log')) ? 0 : 1
} else {
  await Promise.all([...Array.from({ length: WRITERS }, (_, writer) => write(writer)), ...(doomed === 'spilling' ? [] : [flap()])])
}
