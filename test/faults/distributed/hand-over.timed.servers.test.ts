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

const FAULT = 'hand-over'
/** How a process goes, and within what time all its partitions are to be the other's. They go in turn, each with a share: the heir of the first is the second. */
const GOINGS = [
  { going: 1, signal: 'SIGTERM', withinMs: 1_000 },
  { going: 2, signal: 'SIGKILL', withinMs: 10_000 },
] as const

it('all partitions of a process are another’s within 1 s after SIGTERM, and within 10 s after SIGKILL', { timeout: 900_000 }, async () => {
  await using fleet = await Fleet.open({ random: seeded(seedOf(FAULT)), load: { lines: 12, pauseMs: 250 } })
  await fleet.startAll({ frontend: 1, agents: 1, storage: 1 })
  fleet.send()
  await using groups = new Groups(servers().kafka, fleet.prefix)
  const measured = []
  for (const { going, signal, withinMs } of GOINGS) {
    const both = await shareBetweenTwo(fleet, groups, { number: going === 1 ? 2 : 1 })
    await untilMoved(fleet, [...both.first.partitions, ...both.second.partitions], STARTED_MS)

    const process = fleet.process('agents', going)
    const told = performance.now()
    const sinceMs = () => Math.round(performance.now() - told)
    process.signal(signal)
    await until('every agent’s group has one member', STARTED_MS, () => eachHasOneMember(groups))
    const sharedMs = sinceMs()
    // The one that was there first goes. Whatever moves from here on, the heir has moved.
    await untilMoved(fleet, both.first.partitions, STARTED_MS)
    const atWorkMs = sinceMs()
    console.log(`${FAULT} ${signal}: its partitions are another’s after ${sharedMs} ms, who has committed in each after ${atWorkMs} ms`)
    await process.ended
    if (signal === 'SIGKILL') fleet.kills++
    measured.push({ signal, withinMs, sharedMs, atWorkMs })
  }

  expect((await fleet.verdict(FAULT)).findings).toEqual([])
  for (const { signal, withinMs, sharedMs, atWorkMs } of measured) {
    expect(sharedMs, signal).toBeLessThan(withinMs)
    expect(atWorkMs, signal).toBeLessThan(withinMs + AT_WORK_MS)
  }
})

async function eachHasOneMember(groups: Groups): Promise<boolean> {
  const shares = AGENTS.map(async id => {
    const members = await groups.members(id, 'readings')
    return members?.size === 1 && [...members.values()][0]?.length === PARTITIONS
  })
  return (await Promise.all(shares)).every(Boolean)
}
