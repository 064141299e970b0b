import { expect, it } from 'vitest'
import { servers } from '../../servers/shared.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet } from './fleet.ts'
import { Groups } from './groups.ts'
import { offsetsOf, settled, shareBetweenTwo, untilMoved } from './hand-over.ts'

const KILLED_MS = 120_000
const REJOIN_MS = 180_000

it('a process that was stopped for longer than its session is refused when it wakes, and what others have taken over stands', {
  timeout: 900_000,
}, async () => {
  await using fleet = await Fleet.open({ fault: 'stopped-worker', random: seeded(seedOf('stopped-worker')) })
  await fleet.startAll({ frontend: 1, agents: 1, storage: 1 })
  fleet.send()
  await using groups = new Groups(servers().kafka, fleet.prefix)
  const { first, second } = await shareBetweenTwo(fleet, groups)
  await untilMoved(fleet, first.partitions, KILLED_MS)

  const asleep = fleet.process('agents', 1)
  asleep.signal('SIGSTOP')
  await untilMoved(fleet, first.partitions, KILLED_MS)
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
