import { createClient } from 'redis'
import { expect, it } from 'vitest'
import { startRedis } from '../../servers/redis.ts'
import { until } from '../harness.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet } from './fleet.ts'
import { ROUNDS } from './rounds.ts'

const UNDER_WAY_MS = 180_000

it('a trace that loses everything under load, wiped or killed, costs work and never a datum', { timeout: 900_000 * ROUNDS }, async () => {
  // It keeps nothing on disk: to be killed is to be wiped.
  await using redis = await startRedis()
  await using fleet = await Fleet.open({
    fault: 'redis-loss',
    random: seeded(seedOf('redis-loss')),
    places: { redis: redis.address },
  })
  await fleet.startAll({ frontend: 2, agents: 2, storage: 1 })
  fleet.send()
  const underWay = async (more: number) => {
    const before = fleet.acknowledged
    await until('the load is under way', UNDER_WAY_MS, () => fleet.acknowledged > before + more)
  }
  for (let round = 1; round <= 2 * ROUNDS; round++) {
    await underWay(500)
    await wipe(redis.address)
    await underWay(500)
    await redis.kill()
    // What is sent meanwhile is accepted: that an id was sent before is then found out by whoever reads it.
    await underWay(300)
    await redis.restart()
  }
  await underWay(500)
  await fleet.finish()
  await fleet.rest(180_000)
  const audited = await fleet.audit({ traceLost: true })
  fleet.say(audited)
  expect(audited.findings).toEqual([])
})

async function wipe(address: string): Promise<void> {
  const client = createClient({ url: address })
  await client.connect()
  await client.flushAll()
  client.destroy()
}
