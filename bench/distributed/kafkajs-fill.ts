/** Makes a topic of readings and one for the hop's results, by kafkajs: `kafkajs-fill.ts BROKER TOPIC COUNT KEYS`. */
import { Kafka, logLevel } from 'kafkajs'
import { serve } from '../child.ts'
import { readingJson } from '../data.ts'

const PARTITIONS = 4
const TOGETHER = 2_000
const [broker, topic, count, keys] = process.argv.slice(2) as [string, string, string, string]

const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING })
const admin = kafka.admin()
await admin.connect()
await admin.createTopics({ topics: [topic, `${topic}-smoothed`].map(each => ({ topic: each, numPartitions: PARTITIONS })) })
await admin.disconnect()
const producer = kafka.producer()
await producer.connect()
for (let i = 0; i < Number(count); ) {
  const messages = []
  for (const end = Math.min(i + TOGETHER, Number(count)); i < end; i++) {
    const value = readingJson(i, Number(keys))
    messages.push({ key: value.slice(12, 25), value })
  }
  await producer.send({ topic, messages })
}
await producer.disconnect()
serve({}, {}, async () => {})
