import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { seeded, seedOf } from '../random.ts'
import { Fleet, type Role } from './fleet.ts'
import { ROUNDS } from './rounds.ts'

const CHANGES = 4 * ROUNDS
const LONGEST_MS = 2_000
/** Those that come and go; the first of each role stays. */
const COMERS: readonly (readonly [Role, number, string])[] = [
  ['agents', 2, 'total,guess'],
  ['agents', 3, 'mean,echo,judge'],
  ['storage', 2, 'rows,lake'],
]

it('processes that join and leave all the time, told to or killed, lose and double nothing', {
  timeout: 300_000 + CHANGES * 60_000,
}, async () => {
  const random = seeded(seedOf('rebalance-storm'))
  await using fleet = await Fleet.open({ fault: 'rebalance-storm', random })
  await fleet.startAll({ frontend: 2, agents: 1, storage: 1 })
  fleet.send()
  for (let change = 1; change <= CHANGES; change++) {
    const [role, number, only] = COMERS[change % COMERS.length]!
    const comer = fleet.start(role, number, { only })
    await comer.ready
    await sleep(random() * LONGEST_MS)
    // Two in three leave in good order: what they have is handed over with a snapshot.
    if (change % 3 === 0) await fleet.kill(role, number)
    else expect(await comer.stop(), comer.errors).toBe(0)
  }
  await fleet.finish()
  await fleet.rest(180_000)
  const audited = await fleet.audit()
  fleet.say(audited)
  expect(audited.findings).toEqual([])
})
