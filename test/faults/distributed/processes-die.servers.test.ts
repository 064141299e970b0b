import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Failpoint } from '../../../src/engine/failpoint.ts'
import { servers } from '../../servers/shared.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet, type Role, type StartOptions } from './fleet.ts'
import { Groups } from './groups.ts'
import { offsetsOf, settled, shareBetweenTwo, untilMoved } from './hand-over.ts'
import { ROUNDS } from './rounds.ts'

/* One fleet for all of them: to start one costs more than to kill of it. Each fault ends with an audit of everything so far. */

const random = seeded(seedOf('processes-die'))
const open = new AsyncDisposableStack()
let fleet: Fleet
let groups: Groups

beforeAll(async () => {
  // It goes on for minutes, and each audit reads all of it.
  fleet = open.use(await Fleet.open({ random, load: { lines: 60 } }))
  groups = open.use(new Groups(servers().kafka, fleet.prefix))
  await fleet.startAll({ frontend: 2, agents: 1, storage: 1 })
}, 420_000)
afterAll(() => open.disposeAsync())

/** A step that a process passes, and at which of its passes it dies, with work behind and before it. */
interface Death {
  readonly role: Role
  readonly step: Failpoint
  readonly pass: number
  /** The agents that it runs, fewer than all: each takes its time to load. */
  readonly only?: string
}

/** Each a process that dies, is started again, and dies at the next step; they have no agent in common. */
const VICTIMS: readonly (readonly [number, readonly Death[]])[] = [
  [
    2,
    [
      { role: 'storage', step: 'after-intent', pass: 2 },
      { role: 'storage', step: 'in-roll', pass: 1 },
      { role: 'storage', step: 'after-roll', pass: 3 },
      { role: 'frontend', step: 'after-append', pass: 4 },
    ],
  ],
  [
    2,
    [
      { role: 'agents', step: 'after-handler', pass: 5, only: 'total,mean' },
      { role: 'agents', step: 'after-commit', pass: 6, only: 'total,mean' },
      { role: 'agents', step: 'in-snapshot', pass: 1, only: 'total' },
    ],
  ],
  [
    3,
    [
      { role: 'agents', step: 'after-claim', pass: 5, only: 'echo,judge' },
      { role: 'agents', step: 'in-commit', pass: 1, only: 'echo,judge' },
      { role: 'agents', step: 'after-journal', pass: 4, only: 'guess' },
    ],
  ],
]
const DIES_WITHIN_MS = 300_000

it('a process of any role, killed at any step beside one that lives, loses and doubles nothing', {
  timeout: 1_500_000 * ROUNDS,
}, async () => {
  // The front end that is to die takes the place of one that is there.
  expect(await fleet.process('frontend', 2).stop()).toBe(0)
  fleet.send()
  for (let round = 1; round <= ROUNDS; round++) {
    await Promise.all(
      VICTIMS.map(async ([number, deaths]) => {
        // The one that lives does what the others have left.
        for (const death of deaths) await dieAt(number, death)
      }),
    )
  }
  await fleet.start('frontend', 2).ready
  expect((await fleet.verdict('kill-at-each-step')).findings).toEqual([])
})

/** By the failpoint's own hand: a process that lives on was never there. */
async function dieAt(number: number, { role, step, pass, only }: Death): Promise<void> {
  const options: StartOptions = { failpoint: `${step}:${pass}`, ...(only === undefined ? {} : { only }) }
  if (step === 'in-snapshot') await stopAtWork(options)
  else fleet.start(role, number, options)
  const victim = fleet.process(role, number)
  const late = setTimeout(() => victim.signal('SIGTERM'), DIES_WITHIN_MS)
  const { signal, code } = await victim.ended
  clearTimeout(late)
  expect({ signal, code }, `${step}:${pass} ${victim.errors}`).toMatchObject({ signal: 'SIGKILL' })
  fleet.kills++
}

/** So few data need no snapshot before the end: it is taken when a process that has folded some is told to stop. */
async function stopAtWork(options: StartOptions): Promise<void> {
  const { second } = await shareBetweenTwo(fleet, groups, options)
  await untilMoved(fleet, second.partitions, DIES_WITHIN_MS)
  fleet.process('agents', 2).signal('SIGTERM')
}

const CHANGES = 4 * ROUNDS
const STAYS_MS = 2_000
/** Those that come and go; the first of each role stays. */
const COMERS: readonly (readonly [Role, number, string])[] = [
  ['agents', 2, 'total,guess'],
  ['agents', 3, 'mean,echo,judge'],
  ['storage', 2, 'rows,lake'],
]

it('processes that join and leave all the time, told to or killed, lose and double nothing', {
  timeout: 300_000 + CHANGES * 60_000,
}, async () => {
  fleet.send()
  for (let change = 1; change <= CHANGES; change++) {
    const [role, number, only] = COMERS[change % COMERS.length]!
    const comer = fleet.start(role, number, { only })
    await comer.ready
    await sleep(random() * STAYS_MS)
    // Two in three leave in good order: what they have is handed over with a snapshot.
    if (change % 3 === 0) await fleet.kill(role, number)
    else expect(await comer.stop(), comer.errors).toBe(0)
  }
  expect((await fleet.verdict('rebalance-storm')).findings).toEqual([])
})

const KILLED_MS = 120_000
const REJOIN_MS = 180_000

it('a process that was stopped for longer than its session is refused when it wakes, and what others have taken over stands', {
  timeout: 900_000,
}, async () => {
  fleet.send()
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
  expect((await fleet.verdict('stopped-worker')).findings).toEqual([])
})

/** FAULT_ROUNDS=40 makes it 200. */
const KILLS = 5 * ROUNDS
const LIVES_MS = 1_500
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
  await fleet.start('storage', 2).ready
  fleet.send()
  for (let kill = 1; kill <= KILLS; kill++) {
    const [role, number] = PROCESSES[Math.floor(random() * PROCESSES.length)]!
    // One in four may die while it starts; the others have had work. At least one of each role goes on.
    if (kill % 4 !== 0) await fleet.process(role, number).ready
    await sleep(random() * LIVES_MS)
    await fleet.kill(role, number)
    fleet.start(role, number)
  }
  await Promise.all(PROCESSES.map(([role, number]) => fleet.process(role, number).ready))
  expect((await fleet.verdict('kill-at-random')).findings).toEqual([])
})
