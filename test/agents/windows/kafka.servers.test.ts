import { randomBytes } from 'node:crypto'
import { agent, join, pipeline, topic, tumbling } from 'millrace'
import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { decode } from '../../../src/agents/decode.ts'
import { runAgent } from '../../../src/agents/runner.ts'
import { systemClock } from '../../../src/clock.ts'
import { DistributedEngine } from '../../../src/engine/distributed/index.ts'
import { FrameCursor } from '../../../src/envelope/frame.ts'
import { silentRecorder } from '../../../src/instrumentation/recorder.ts'
import { openKafka } from '../../../src/stream/adapters/kafka/index.ts'
import type { Topic } from '../../../src/stream/topic.ts'
import { send } from '../../../src/testing/send.ts'
import { openRedis, redisOptions } from '../../../src/trace/adapters/redis/index.ts'
import { servers } from '../../servers/shared.ts'
import { until } from '../../servers/until.ts'

const START_MS = Date.UTC(2026, 0, 1)
const KEYS = 34
/** As many as a window takes, by their length: 600 kB. */
const PER_KEY = 5
/** In base64 119,900 characters, and different ones each time: nothing that compression makes small. */
const LARGE_BYTES = 89_925

const readings = topic('readings', z.object({ key: z.string(), n: z.number(), text: z.string() }), { key: d => d.key, partitions: 1 })
const others = topic('others', readings.schema, { partitions: 2 })
const counted = topic('counted', z.object({ key: z.string(), of: z.array(z.number()) }), { partitions: 1 })
const paired = topic('paired', z.object({ left: z.number(), right: z.number() }), { partitions: 1 })

const windows = agent(
  'windows',
  { version: 1, from: readings, to: counted, by: (d: { key: string }) => d.key, window: tumbling('1h', { lateness: 0 }) },
  ({ key, data }) => ({ key, of: data.map(({ n }) => n) }),
)
const pairs = agent(
  'pairs',
  { version: 1, from: join(readings, others, { by: d => d.key, within: '1h', lateness: '1d' }), to: paired },
  ({ left, right }) => ({ left: left.n, right: right.n }),
)
const graph = pipeline('p', { agents: [windows, pairs] })

it('windows as large as they may be, all closed by one datum, and pairs go through Kafka, also where agents crash', {
  timeout: 240_000,
}, async () => {
  const name = `windows${randomBytes(6).toString('hex')}`
  const stream = await openKafka({ brokers: [servers().kafka], pipeline: name, prefix: `${name}.` })
  const trace = await openRedis({ ...redisOptions(servers().redis), prefix: `${name}:` })
  const engine = new DistributedEngine({ stream, trace, clock: systemClock })
  onTestFinished(() => engine.close())
  await engine.ensure([...graph.topics.values()].map(({ spec }) => spec))
  const start = () =>
    [...graph.agents.values()].flatMap(each =>
      each.kind === 'agent' ? [runAgent(each, { engine, clock: systemClock, recorder: silentRecorder })] : [],
    )
  let running = start()
  const datum = (n: number) => ({ key: `k${n % KEYS}`, n, text: randomBytes(LARGE_BYTES).toString('base64') })
  const made = (n: number) => ({ createdMs: START_MS + n * 1_000 })

  for (let n = 0; n < KEYS * PER_KEY; n++) {
    await send(engine, readings, [datum(n)], START_MS, made(n))
    if (n % 60 !== 59) continue
    for (const each of running) await each.crash()
    running = start()
  }
  for (let n = 0; n < KEYS; n++) await send(engine, others, [datum(n)], START_MS, made(n))
  await send(engine, readings, [{ key: 'end', n: -1, text: '' }], START_MS, made(3_600))

  await until('every window and pair is put out', 120_000, async () => {
    expect((await distinct(counted)).size).toBeGreaterThanOrEqual(KEYS)
    expect((await distinct(paired)).size).toBeGreaterThanOrEqual(KEYS * PER_KEY)
  })
  for (const each of running) await each.stop(10_000)
  const ofKey = (key: number) => Array.from({ length: PER_KEY }, (_, i) => i * KEYS + key)
  const byKey = [...(await distinct(counted)).values()].sort((a, b) => a.of[0]! - b.of[0]!)
  expect(byKey).toEqual(Array.from({ length: KEYS }, (_, key) => ({ key: `k${key}`, of: ofKey(key) })))
  const both = [...(await distinct(paired)).values()].map(({ left, right }) => `${left} ${right}`)
  expect(both.sort()).toEqual(Array.from({ length: KEYS * PER_KEY }, (_, n) => `${n} ${n % KEYS}`).sort())
  expect(await engine.letters.list({ limit: 1 })).toEqual([])

  /** What a topic of one partition holds, by id: where a unit was cut off it is there twice. */
  async function distinct<Out>(of: Topic<unknown, Out>): Promise<Map<string, Out>> {
    const found = new Map<string, Out>()
    for (let next = 0; ; ) {
      const batch = await engine.read(of.name, 0, next, 1_000_000)
      if (batch.count === 0) return found
      const cursor = new FrameCursor(batch.frames, batch.ascii)
      while (cursor.next()) if (!cursor.isVoid) found.set(cursor.dataId, (await decode(cursor, of)).value as Out)
      next = batch.first + batch.count
    }
  }
})
