import { setTimeout as sleep } from 'node:timers/promises'
import { kafkaOptions, openKafka } from '../../src/stream/adapters/kafka/index.ts'
import { framedReadings } from '../framed.ts'
import { readings } from '../pipelines/ingest.ts'

const PIPELINE = 'bench'
const LOOK_MS = 200
const DEADLINE_MS = 900_000

/** Fills the pipeline's topic, as the front end would, with readings of `keys` stations. */
export async function fillStream(url: string, count: number, keys: number): Promise<void> {
  await using opened = await stream(url)
  await opened.ensure([readings.spec])
  for (const batches of framedReadings(count, keys)) await opened.append(batches)
}

/** Resolves when a group has finished `count` data of the topic. Looked up from here, so that the measured process is not asked. */
export async function finished(url: string, group: string, count: number): Promise<void> {
  await using opened = await stream(url)
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const places = (await opened.places()).filter(place => place.group === group && place.topic === readings.name)
    const done = places.reduce((sum, { checkpoint }) => sum + checkpoint.offset, 0)
    if (done >= count) return
    if (performance.now() > deadline) throw new Error(`${group} has finished ${done} of ${count} data after ${DEADLINE_MS / 1000} s.`)
    await sleep(LOOK_MS)
  }
}

async function stream(url: string) {
  const opened = await openKafka(kafkaOptions(url, { pipeline: PIPELINE }))
  return Object.assign(opened, { [Symbol.asyncDispose]: () => opened.close() })
}
