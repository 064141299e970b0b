/**
 * The hop of `pipelines/hop.ts` as one writes it with kafkajs: batch by batch, validated, a window in memory, the results acknowledged by all
 * replicas before the offset is committed. `kafkajs-hop.ts BROKER TOPIC`
 */
import { Kafka, logLevel } from 'kafkajs'
import { z } from 'zod'
import { serve } from '../child.ts'
import { type Reading, reading } from '../data.ts'

const WINDOW = 20
const smoothed = z.object({ station: z.string(), at: z.string(), mean: z.number() })
const [broker, topic] = process.argv.slice(2) as [string, string]

async function work(count: number): Promise<number> {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  const consumer = kafka.consumer({ groupId: `${topic}-hop` })
  await Promise.all([producer.connect(), consumer.connect()])
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const windows = new Map<string, Reading[]>()
  const done = Promise.withResolvers<void>()
  let handled = 0
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: 4,
    async eachBatch({ batch }) {
      const messages = batch.messages.map(({ value }) => {
        const datum = reading.parse(JSON.parse(value!.toString()))
        const window = windows.get(datum.station) ?? []
        windows.set(datum.station, window)
        window.push(datum)
        if (window.length > WINDOW) window.shift()
        let sum = 0
        for (const each of window) sum += each.megawatts
        const result = smoothed.parse({ station: datum.station, at: datum.at, mean: sum / window.length })
        return { key: result.station, value: JSON.stringify(result) }
      })
      await producer.send({ topic: `${topic}-smoothed`, acks: -1, messages })
      await consumer.commitOffsets([{ topic, partition: batch.partition, offset: String(Number(batch.lastOffset()) + 1) }])
      handled += messages.length
      if (handled >= count) done.resolve()
    },
  })
  await done.promise
  const cpu = process.cpuUsage()
  await Promise.all([consumer.disconnect(), producer.disconnect()])
  return cpu.user + cpu.system
}

serve({}, { work }, async () => {})
