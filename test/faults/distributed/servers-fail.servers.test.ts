import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startKafka } from '../../servers/kafka.ts'
import { startPostgres } from '../../servers/postgres.ts'
import { startRedis } from '../../servers/redis.ts'
import { type Proxy as Link, startToxiproxy } from '../../servers/toxiproxy.ts'
import { type Fate, S3Proxy } from '../../storage/s3/proxy.ts'
import { until } from '../harness.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet } from './fleet.ts'
import { ROUNDS } from './rounds.ts'

/* One fleet with servers of its own for all of them: to start it costs more than to disturb it. Each fault ends with an audit of everything so far. */

const random = seeded(seedOf('servers-fail'))
const open = new AsyncDisposableStack()
const links = { kafka: [] as Link[], redis: [] as Link[], stores: [] as Link[] }
let kafka: Awaited<ReturnType<typeof startKafka>>
let redis: Awaited<ReturnType<typeof startRedis>>
let postgres: Awaited<ReturnType<typeof startPostgres>>
let s3: S3Proxy
let fleet: Fleet

beforeAll(async () => {
  const toxiproxy = open.use(await startToxiproxy())
  const through = (part: Link[]) => async (address: string) => {
    const link = await toxiproxy.proxy(address)
    part.push(link)
    return link.address
  }
  const throughUrl = async (part: Link[], address: string) => {
    const { host } = new URL(address)
    return address.replace(host, await through(part)(host))
  }
  kafka = open.use(await startKafka({ listener: { through: through(links.kafka) } }))
  // It keeps nothing on disk: to be killed is to be wiped.
  redis = open.use(await startRedis())
  postgres = open.use(await startPostgres())
  s3 = open.use(await S3Proxy.open())
  fleet = open.use(
    await Fleet.open({
      random,
      places: { kafka: kafka.address, redis: redis.address, postgres: postgres.address },
      through: {
        kafka: kafka.clientAddress,
        redis: await throughUrl(links.redis, redis.address),
        postgres: await throughUrl(links.stores, postgres.address),
        s3: await throughUrl(links.stores, s3.endpoint),
      },
    }),
  )
  await fleet.startAll({ frontend: 2, agents: 2, storage: 2 })
}, 420_000)
afterAll(() => open.disposeAsync())

type Fault = (link: Link) => Promise<void>
const SLOW_MS = 5_000
/** Longer than a group's session and than most patience. */
const FAULT_MS = 6_500
const slow: Fault = link => link.latency(SLOW_MS)
const cut: Fault = link => link.cut()
const silent: Fault = link => link.hang()

it('links to Kafka, to Redis, to the stores, and all at once, that are slow, cut or silent lose and double nothing', {
  timeout: 900_000 * ROUNDS,
}, async () => {
  fleet.send()
  const all = Object.values(links).flat()
  const each = Object.values(links).map(disturbed => ({ fault: cut, disturbed }))
  const whole = [slow, silent].map(fault => ({ fault, disturbed: all }))
  for (const { fault, disturbed } of Array.from({ length: ROUNDS }, () => [...each, ...whole]).flat()) {
    await fleet.underWay(200)
    await Promise.all(disturbed.map(fault))
    await sleep(FAULT_MS)
    await Promise.all(disturbed.map(link => link.mend()))
  }
  await fleet.underWay(200)
  expect((await fleet.verdict('bad-links')).findings).toEqual([])
})

const LIVES_MS = 400

it('a PostgreSQL that is killed in the middle of rolls stores each datum once', { timeout: 900_000 * ROUNDS }, async () => {
  fleet.send()
  for (let round = 1; round <= 3 * ROUNDS; round++) {
    await fleet.underWay(400)
    await sleep(random() * LIVES_MS)
    await postgres.kill()
    fleet.kills++
    await postgres.restart()
  }
  expect((await fleet.verdict('postgres-restart')).findings).toEqual([])
})

const FATES: readonly (() => Fate | Promise<Fate>)[] = [
  () => ({ status: 500, code: 'InternalError' }),
  () => ({ status: 503, code: 'SlowDown' }),
  () => 'broken',
  () => sleep(SLOW_MS).then((): Fate => 'through'),
]
const FELT_MS = 180_000

it('an S3 that answers with errors, slowly, or breaks off, holds each datum once', { timeout: 900_000 * ROUNDS }, async () => {
  fleet.send()
  for (const fate of Array.from({ length: ROUNDS }, () => FATES).flat()) {
    // Half of the requests get through: rolls are cut off at every one of their steps.
    let struck = 0
    s3.fate = async () => {
      if (random() < 0.5) return 'through'
      struck++
      return fate()
    }
    await fleet.underWay(400)
    await until('requests have felt it', FELT_MS, () => struck >= 5)
    s3.fate = () => 'through'
    await fleet.underWay(400)
  }
  expect((await fleet.verdict('s3-errors')).findings).toEqual([])
})

it('a broker that is killed and comes back under load loses and doubles nothing', { timeout: 900_000 * ROUNDS }, async () => {
  fleet.send()
  for (let round = 1; round <= ROUNDS; round++) {
    await fleet.underWay(600)
    await kafka.kill()
    fleet.kills++
    await kafka.restart()
  }
  await fleet.underWay(600)
  expect((await fleet.verdict('broker-restart')).findings).toEqual([])
})

// The last: from then on an object may hold a copy of a datum, under its own id.
it('a trace that loses everything under load, wiped or killed, costs work and never a datum', { timeout: 900_000 * ROUNDS }, async () => {
  fleet.send()
  for (let round = 1; round <= 2 * ROUNDS; round++) {
    await fleet.underWay(500)
    await wipe(redis.address)
    await fleet.underWay(500)
    await redis.kill()
    // What is sent meanwhile is accepted: that an id was sent before is then found out by whoever reads it.
    await fleet.underWay(300)
    await redis.restart()
  }
  await fleet.underWay(500)
  expect((await fleet.verdict('redis-loss', { traceLost: true })).findings).toEqual([])
})

async function wipe(address: string): Promise<void> {
  const client = createClient({ url: address })
  await client.connect()
  await client.flushAll()
  client.destroy()
}
