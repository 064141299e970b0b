import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startKafka } from '../../servers/kafka.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet } from './fleet.ts'
import { spilledBy } from './rest.ts'
import { ROUNDS } from './rounds.ts'

const FAULT = 'stream-away'
/** FAULT_ROUNDS=24 makes it two minutes. */
const AWAY_MS = 5_000 * ROUNDS
/** Of each of 3 producers: about 1,000 data a second in all, with the time that answers take. */
const LOAD = { lines: 60, pauseMs: 100 }

it('while the stream is away front ends go on accepting, and afterwards nothing is lost or doubled', {
  timeout: 900_000 + 8 * AWAY_MS,
}, async () => {
  await using kafka = await startKafka()
  await using fleet = await Fleet.open({
    random: seeded(seedOf(FAULT)),
    places: { kafka: kafka.address },
    load: LOAD,
  })
  await fleet.startAll({ frontend: 2, agents: 1, storage: 1 })
  fleet.send()
  await fleet.underWay(2_000)
  await kafka.kill()
  fleet.kills++
  const before = fleet.acknowledged
  await fleet.underWay(2_000)
  // One that is killed has what it has accepted on its disk, and brings it in when it is back.
  await fleet.kill('frontend', 2)
  await sleep(AWAY_MS)
  const { operators } = await fleet.process('frontend', 1).ready
  expect(await spilledBy(operators)).toBeGreaterThan(1_000)
  console.log(`${FAULT}: ${fleet.acknowledged - before} accepted while it was away`)

  await kafka.restart()
  await fleet.underWay(1_000)
  await fleet.finish()
  await fleet.start('frontend', 2).ready
  expect((await fleet.verdict(FAULT)).findings).toEqual([])
  const refused = fleet.producers.flatMap(({ answers }) => [...answers].filter(([answer]) => /^[45]/.test(answer)))
  expect(refused, 'no producer was turned away').toEqual([])
})
