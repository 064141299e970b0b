/** A store's writer by itself: rolls of frames that are in memory already, as the store's own policy cuts them. `store-writer.ts PIPELINE KEYS` */

import { systemClock } from '../../src/clock.ts'
import type { Pipeline } from '../../src/pipeline.ts'
import type { RecordBatch } from '../../src/stream/stream.ts'
import { serve } from '../child.ts'
import { framedReadings } from '../framed.ts'
import { readings } from '../pipelines/ingest.ts'

const [name, keys] = process.argv.slice(2) as [string, string]
// A pipeline of bench/pipelines has one storage agent.
const { default: pipeline } = (await import(`../pipelines/${name}.ts`)) as { default: Pipeline }
const agent = [...pipeline.agents.values()].find(each => each.kind === 'storage-agent')
if (agent === undefined) throw new Error(`The pipeline ${name} has no storage agent.`)
const { store } = agent
const writer = await store.open(systemClock, [readings])
const types = new Map([[readings.name, readings]])
let rolls: { readonly first: number; readonly end: number; readonly batches: readonly RecordBatch[] }[] = []

/** Frames data for rolls of the store's policy, of one partition. */
function frame({ first, count }: { first: number; count: number }): void {
  rolls = []
  for (let at = first; at < first + count; ) {
    const batches: RecordBatch[] = []
    let next = at
    for (const framed of framedReadings(Math.min(store.roll.records, first + count - at), Number(keys))) {
      for (const batch of framed) {
        batches.push({ ...batch, partition: 0, first: next, appendedMs: Date.now() })
        next += batch.count
      }
    }
    rolls.push({ first: at, end: next, batches })
    at = next
  }
}

/** @returns CPU microseconds of all threads. */
async function write(): Promise<number> {
  const before = process.cpuUsage()
  for (const { first, end, batches } of rolls) {
    const roll = { topic: readings, types, partition: 0, first, end, writer: '0123abcd', resumed: false }
    const { files, unstorable } = await writer.write(roll, given(batches), new AbortController().signal)
    if (files === 0) throw new Error(`Nothing of [${first}, ${end}) was stored.`)
    if (unstorable.length > 0) throw new Error(`${unstorable.length} data could not be stored: ${unstorable[0]!.reason}`)
  }
  const { user, system } = process.cpuUsage(before)
  return user + system
}

async function* given(batches: readonly RecordBatch[]): AsyncGenerator<RecordBatch> {
  yield* batches
}

serve({}, { frame, write }, () => writer.close())
