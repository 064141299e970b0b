import { expect, it } from 'vitest'
import { servers } from '../../servers/shared.ts'
import { until } from '../harness.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet } from './fleet.ts'
import { Groups } from './groups.ts'
import faults from './pipeline.ts'

const UNDER_WAY_MS = 180_000
const REST_MS = 180_000
const EACH = { frontend: 1, agents: 1, storage: 1 } as const

it('groups that are set back, to the beginning of their topics or half way, do everything again from there and change nothing', {
  timeout: 900_000,
}, async () => {
  await using fleet = await Fleet.open({ fault: 'offsets-reset', random: seeded(seedOf('offsets-reset')) })
  await using groups = new Groups(servers().kafka, fleet.prefix)
  await fleet.startAll(EACH)
  await sendSome(fleet)
  const before = await fleet.audit()
  expect(before.findings, 'before').toEqual([])

  await stopAll(fleet)
  await groups.reset(() => 0)
  await fleet.startAll(EACH)
  await fleet.rest(REST_MS)
  const after = await fleet.audit()
  fleet.say(after)
  expect(after.findings, 'after').toEqual([])
  // The trace knows that all of it is done: not even copies came of it.
  expect(after).toEqual(before)

  await stopAll(fleet)
  const middles = await middlesOf(fleet)
  await groups.reset((topic, partition) => middles.get(topic)![partition]!)
  await fleet.startAll(EACH)
  // Also what comes after it finds the windows and states of everything before it.
  await sendSome(fleet)
  const halfWay = await fleet.audit()
  fleet.say(halfWay)
  expect(halfWay.findings, 'from half way').toEqual([])
})

async function sendSome(fleet: Fleet): Promise<void> {
  const before = fleet.acknowledged
  fleet.send()
  await until('some are accepted', UNDER_WAY_MS, () => fleet.acknowledged > before + 2_000)
  await fleet.finish()
  await fleet.rest(REST_MS)
}

async function stopAll(fleet: Fleet): Promise<void> {
  for (const role of ['agents', 'storage', 'frontend'] as const) expect(await fleet.process(role).stop()).toBe(0)
}

/** Of every topic that somebody reads, an offset in the middle of each partition. */
async function middlesOf(fleet: Fleet): Promise<ReadonlyMap<string, readonly number[]>> {
  const topics = new Set([...faults.agents.values()].flatMap(({ from }) => from.map(({ name }) => name)))
  const middle = async (topic: string) => (await fleet.view.bounds(topic)).map(({ first, next }) => Math.floor((first + next) / 2))
  return new Map(await Promise.all([...topics].map(async topic => [topic, await middle(topic)] as const)))
}
