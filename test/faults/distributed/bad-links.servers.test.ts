import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startKafka } from '../../servers/kafka.ts'
import { servers } from '../../servers/shared.ts'
import { type Proxy as Link, startToxiproxy } from '../../servers/toxiproxy.ts'
import { until } from '../harness.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet } from './fleet.ts'
import { ROUNDS } from './rounds.ts'

const UNDER_WAY_MS = 180_000
const SLOW_MS = 5_000
/** Longer than a group's session and than most patience. */
const FAULT_MS = 6_500

type Fault = (link: Link) => Promise<void>
const slow: Fault = link => link.latency(SLOW_MS)
const cut: Fault = link => link.cut()
const silent: Fault = link => link.hang()

it('links to Kafka, to Redis, to the stores, and all at once, that are slow, cut or silent lose and double nothing', {
  timeout: 900_000 * ROUNDS,
}, async () => {
  const { redis, postgres, s3 } = servers()
  await using toxiproxy = await startToxiproxy()
  const links: Link[] = []
  const through = async (address: string) => {
    const link = await toxiproxy.proxy(address)
    links.push(link)
    return link.address
  }
  await using kafka = await startKafka({ listener: { through } })
  const throughUrl = async (address: string) => {
    const { host } = new URL(address)
    return address.replace(host, await through(host))
  }
  await using fleet = await Fleet.open({
    fault: 'bad-links',
    random: seeded(seedOf('bad-links')),
    places: { kafka: kafka.address },
    through: {
      kafka: kafka.clientAddress,
      redis: await throughUrl(redis),
      postgres: await throughUrl(postgres),
      s3: await throughUrl(s3.endpoint),
    },
  })
  await fleet.startAll({ frontend: 2, agents: 2, storage: 1 })
  fleet.send()
  const underWay = async () => {
    const before = fleet.acknowledged
    await until('data are accepted', UNDER_WAY_MS, () => fleet.acknowledged > before + 200)
  }
  const [toKafka, toRedis, toStores] = [links.slice(0, 1), links.slice(1, 2), links.slice(2)]
  const each = [toKafka, toRedis, toStores].map(disturbed => ({ fault: cut, disturbed }))
  const all = [slow, silent].map(fault => ({ fault, disturbed: links }))
  for (const { fault, disturbed } of Array.from({ length: ROUNDS }, () => [...each, ...all]).flat()) {
    await underWay()
    await Promise.all(disturbed.map(fault))
    await sleep(FAULT_MS)
    await Promise.all(disturbed.map(link => link.mend()))
  }
  await underWay()
  await fleet.finish()
  await fleet.rest(240_000)
  const audited = await fleet.audit()
  fleet.say(audited)
  expect(audited.findings).toEqual([])
})
