import { expect, it } from 'vitest'
import { servers } from '../../servers/shared.ts'
import { until } from '../harness.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet } from './fleet.ts'
import { Groups } from './groups.ts'
import { shareBetweenTwo, untilMoved } from './hand-over.ts'
import faults from './pipeline.ts'

const STARTED_MS = 120_000
/** From when others have a partition, until each of them has committed in it: it has to be built up again, and a datum to come. */
const AT_WORK_MS = 3_000
const AGENTS = [...faults.agents].flatMap(([id, { kind }]) => (kind === 'agent' ? [id] : []))
const { partitions: PARTITIONS } = faults.topics.get('readings')!.spec

it.each([
  ['SIGKILL', 10_000],
  ['SIGTERM', 1_000],
] as const)('after %s all partitions of a process are another’s within %i ms', { timeout: 900_000 }, async (signal, withinMs) => {
  const fault = `hand-over ${signal}`
  await using fleet = await Fleet.open({ random: seeded(seedOf(fault)), load: { lines: 12, pauseMs: 250 } })
  await fleet.startAll({ frontend: 1, agents: 1, storage: 1 })
  fleet.send()
  await using groups = new Groups(servers().kafka, fleet.prefix)
  const { first, second } = await shareBetweenTwo(fleet, groups)
  await untilMoved(fleet, [...first.partitions, ...second.partitions], STARTED_MS)

  const going = fleet.process('agents', 1)
  const told = performance.now()
  const sinceMs = () => Math.round(performance.now() - told)
  going.signal(signal)
  await until('every agent’s group has one member', STARTED_MS, () => eachHasOneMember(groups))
  const sharedMs = sinceMs()
  // Whatever moves from here on, the heir has moved.
  await untilMoved(fleet, first.partitions, STARTED_MS)
  const atWorkMs = sinceMs()
  console.log(`${fault}: its partitions are another’s after ${sharedMs} ms, who has committed in each after ${atWorkMs} ms`)
  await going.ended
  if (signal === 'SIGKILL') fleet.kills++

  expect((await fleet.verdict(fault)).findings).toEqual([])
  expect(sharedMs).toBeLessThan(withinMs)
  expect(atWorkMs).toBeLessThan(withinMs + AT_WORK_MS)
})

async function eachHasOneMember(groups: Groups): Promise<boolean> {
  const shares = AGENTS.map(async id => {
    const members = await groups.members(id, 'readings')
    return members?.size === 1 && [...members.values()][0]?.length === PARTITIONS
  })
  return (await Promise.all(shares)).every(Boolean)
}
