import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { seeded, seedOf } from '../random.ts'
import { Fleet, type Role } from './fleet.ts'
import { ROUNDS } from './rounds.ts'

/** FAULT_ROUNDS=40 makes it 200. */
const KILLS = 5 * ROUNDS
const LONGEST_MS = 1_500
const PROCESSES: readonly (readonly [Role, number])[] = [
  ['frontend', 1],
  ['frontend', 2],
  ['agents', 1],
  ['agents', 2],
  ['storage', 1],
  ['storage', 2],
]

it('processes of every role, killed one after the other at any moment under load, lose and double nothing', {
  timeout: 300_000 + KILLS * 60_000,
}, async () => {
  const random = seeded(seedOf('kill-at-random'))
  await using fleet = await Fleet.open({ fault: 'kill-at-random', random })
  await fleet.startAll({ frontend: 2, agents: 2, storage: 2 })
  fleet.send()
  for (let kill = 1; kill <= KILLS; kill++) {
    const [role, number] = PROCESSES[Math.floor(random() * PROCESSES.length)]!
    // One in four may die while it starts; the others have had work. At least one of each role goes on.
    if (kill % 4 !== 0) await fleet.process(role, number).ready
    await sleep(random() * LONGEST_MS)
    await fleet.kill(role, number)
    fleet.start(role, number)
  }
  await Promise.all(PROCESSES.map(([role, number]) => fleet.process(role, number).ready))
  await fleet.finish()
  await fleet.rest(180_000)
  expect(fleet.acknowledged).toBeGreaterThan(0)
  const audited = await fleet.audit()
  fleet.say(audited)
  expect(audited.findings).toEqual([])
})
