import { expect, it } from 'vitest'
import { startKafka } from '../../servers/kafka.ts'
import { until } from '../harness.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet } from './fleet.ts'
import { Groups } from './groups.ts'
import { ROUNDS } from './rounds.ts'

const UNDER_WAY_MS = 180_000

it('a broker that is killed and comes back under load loses and doubles nothing', { timeout: 900_000 * ROUNDS }, async () => {
  await using kafka = await startKafka()
  await using fleet = await Fleet.open({
    fault: 'broker-restart',
    random: seeded(seedOf('broker-restart')),
    places: { kafka: kafka.address },
  })
  await fleet.startAll({ frontend: 2, agents: 2, storage: 1 })
  fleet.send()
  for (let round = 1; round <= ROUNDS; round++) {
    const before = fleet.acknowledged
    await until('the load is under way', UNDER_WAY_MS, () => fleet.acknowledged > before + 600)
    await kafka.kill()
    fleet.kills++
    await kafka.restart()
  }
  const before = fleet.acknowledged
  await until('data are accepted again', UNDER_WAY_MS, () => fleet.acknowledged > before + 600)
  await fleet.finish()
  await fleet.rest(180_000)
  const audited = await fleet.audit()
  fleet.say(audited)
  expect(audited.findings).toEqual([])
})

it('with one of three brokers down everything goes on, and nothing is lost or doubled', { timeout: 900_000 * ROUNDS }, async () => {
  await using kafka = await startKafka({ nodes: 3 })
  await using fleet = await Fleet.open({
    fault: 'one-of-three-brokers',
    random: seeded(seedOf('one-of-three-brokers')),
    places: { kafka: kafka.address },
  })
  await fleet.startAll({ frontend: 2, agents: 1, storage: 1 })
  fleet.send()
  // Each of them in turn, where there is time for it.
  for (const node of ROUNDS > 1 ? kafka.nodes : kafka.nodes.slice(0, 1)) {
    await node.kill()
    fleet.kills++
    const before = fleet.acknowledged
    await until('data are accepted without it', UNDER_WAY_MS, () => fleet.acknowledged > before + 600)
    await node.start()
  }
  await fleet.finish()
  await fleet.rest(180_000)
  const audited = await fleet.audit()
  fleet.say(audited)
  expect(audited.findings).toEqual([])
  // Also what was made while one was down: the journal, dead letters, caches.
  await using groups = new Groups(kafka.address, fleet.prefix)
  expect(await groups.fewestReplicas()).toBe(3)
})
