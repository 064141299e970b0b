import { expect, it } from 'vitest'
import { servers } from '../../servers/shared.ts'
import { until } from '../harness.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet } from './fleet.ts'
import { Groups } from './groups.ts'

const UNDER_WAY_MS = 180_000

it('groups that are set back to the beginning of their topics do everything again and change nothing', { timeout: 900_000 }, async () => {
  await using fleet = await Fleet.open({ fault: 'offsets-reset', random: seeded(seedOf('offsets-reset')) })
  await using groups = new Groups(servers().kafka, fleet.prefix)
  await fleet.startAll({ frontend: 1, agents: 1, storage: 1 })
  fleet.send()
  await until('there is something to do again', UNDER_WAY_MS, () => fleet.acknowledged > 2_000)
  await fleet.finish()
  await fleet.rest(180_000)
  const before = await fleet.audit()
  expect(before.findings, 'before').toEqual([])
  expect(await fleet.process('agents').stop()).toBe(0)
  expect(await fleet.process('storage').stop()).toBe(0)
  expect(await fleet.process('frontend').stop()).toBe(0)

  await groups.reset()
  await fleet.startAll({ frontend: 1, agents: 1, storage: 1 })
  await fleet.rest(180_000)
  const after = await fleet.audit()
  fleet.say(after)
  expect(after.findings, 'after').toEqual([])
  // The trace knows that all of it is done: not even copies came of it.
  expect(after).toEqual(before)
})
