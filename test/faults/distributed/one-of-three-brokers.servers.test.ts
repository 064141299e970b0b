import { expect, it } from 'vitest'
import { startKafka } from '../../servers/kafka.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet } from './fleet.ts'
import { Groups } from './groups.ts'
import { ROUNDS } from './rounds.ts'

const FAULT = 'one-of-three-brokers'

it('with one of three brokers down everything goes on, and nothing is lost or doubled', { timeout: 900_000 * ROUNDS }, async () => {
  await using kafka = await startKafka({ nodes: 3 })
  await using fleet = await Fleet.open({ random: seeded(seedOf(FAULT)), places: { kafka: kafka.address } })
  await fleet.startAll({ frontend: 1, agents: 1, storage: 1 })
  fleet.send()
  // Each of them in turn, where there is time for it.
  for (const node of ROUNDS > 1 ? kafka.nodes : kafka.nodes.slice(0, 1)) {
    await node.kill()
    fleet.kills++
    await fleet.underWay(600)
    await node.start()
  }
  expect((await fleet.verdict(FAULT)).findings).toEqual([])
  // Also what was made while one was down: the journal, dead letters, caches.
  await using groups = new Groups(kafka.address, fleet.prefix)
  expect(await groups.fewestReplicas()).toBe(3)
})
