import { expect, it } from 'vitest'
import { servers } from '../../servers/shared.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet } from './fleet.ts'
import { Groups } from './groups.ts'
import { offsetsOf, settled, shareBetweenTwo, untilMoved } from './hand-over.ts'

/** What a hand-over takes on a quiet machine is printed; a busy one has these. */
const KILLED_MS = 120_000
const TOLD_MS = 120_000
const REJOIN_MS = 180_000

async function openFleet(fault: string): Promise<Fleet> {
  const fleet = await Fleet.open({ fault, random: seeded(seedOf(fault)) })
  await fleet.startAll({ frontend: 1, agents: 1, storage: 1 })
  fleet.send()
  return fleet
}

it('a process that was stopped for longer than its session is refused when it wakes, and what others have taken over stands', {
  timeout: 900_000,
}, async () => {
  await using fleet = await openFleet('stopped-worker')
  await using groups = new Groups(servers().kafka, fleet.prefix)
  const { first, second } = await shareBetweenTwo(fleet, groups)
  await untilMoved(fleet, first.partitions, KILLED_MS)

  const asleep = fleet.process('agents', 1)
  asleep.signal('SIGSTOP')
  const took = await untilMoved(fleet, first.partitions, KILLED_MS)
  console.log(`stopped-worker: others went on with its partitions after ${took} ms`)
  const [heir] = await settled(groups, 1)
  expect(heir?.member).not.toBe(first.member)
  const taken = await offsetsOf(fleet, first.partitions)
  asleep.signal('SIGCONT')

  // It learns that its generation is over, and comes back as another member: none of its old commits can count.
  const both = await settled(groups, 2)
  expect(both.map(({ member }) => member)).not.toContain(first.member)
  const now = await offsetsOf(fleet, first.partitions)
  expect(now.every((offset, i) => offset >= taken[i]!)).toBe(true)
  await untilMoved(fleet, [...first.partitions, ...second.partitions], REJOIN_MS)

  await fleet.finish()
  await fleet.rest(180_000)
  const audited = await fleet.audit()
  fleet.say(audited)
  expect(audited.findings).toEqual([])
})

it.each([
  ['SIGKILL', KILLED_MS],
  ['SIGTERM', TOLD_MS],
] as const)('after %s others go on with the partitions of a process', { timeout: 900_000 }, async (signal, deadlineMs) => {
  await using fleet = await openFleet(`hand-over ${signal}`)
  await using groups = new Groups(servers().kafka, fleet.prefix)
  const { first } = await shareBetweenTwo(fleet, groups)
  await untilMoved(fleet, first.partitions, KILLED_MS)

  const going = fleet.process('agents', 1)
  const told = performance.now()
  going.signal(signal)
  await going.ended
  const ended = performance.now()
  if (signal === 'SIGKILL') fleet.kills++
  const took = await untilMoved(fleet, first.partitions, deadlineMs)
  console.log(`hand-over after ${signal}: it took ${Math.round(ended - told)} ms to end, and ${took} ms from there to the other’s commits`)
  const [heir] = await settled(groups, 1)
  expect(heir?.member).not.toBe(first.member)
  expect(heir?.partitions).toEqual([0, 1, 2, 3])

  await fleet.finish()
  await fleet.rest(180_000)
  const audited = await fleet.audit()
  fleet.say(audited)
  expect(audited.findings).toEqual([])
})
