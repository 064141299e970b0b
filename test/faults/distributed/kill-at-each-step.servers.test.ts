import { expect, it } from 'vitest'
import type { Failpoint } from '../../../src/engine/failpoint.ts'
import { servers } from '../../servers/shared.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet, type Role, type StartOptions } from './fleet.ts'
import { Groups } from './groups.ts'
import { shareBetweenTwo, untilMoved } from './hand-over.ts'
import { ROUNDS } from './rounds.ts'

/** Each step that a role passes, and at which of its passes the process dies, with work behind and before it. */
const STEPS: readonly { readonly role: Role; readonly step: Failpoint; readonly passes: readonly number[] }[] = [
  { role: 'frontend', step: 'after-append', passes: [4] },
  { role: 'agents', step: 'after-claim', passes: [5] },
  { role: 'agents', step: 'after-handler', passes: [5] },
  { role: 'agents', step: 'after-journal', passes: [4] },
  { role: 'agents', step: 'in-commit', passes: [1] },
  { role: 'agents', step: 'after-commit', passes: [6] },
  { role: 'agents', step: 'in-snapshot', passes: [1] },
  { role: 'storage', step: 'after-intent', passes: [2] },
  { role: 'storage', step: 'in-roll', passes: [1] },
  { role: 'storage', step: 'after-roll', passes: [3] },
]
const ROLES: readonly Role[] = ['frontend', 'agents', 'storage']
/** Agents that pass the step, fewer than all: each takes its time to load. */
const VICTIMS: Readonly<Partial<Record<Failpoint, { readonly only: string }>>> = {
  'after-claim': { only: 'echo,judge' },
  'after-handler': { only: 'total,mean' },
  'after-journal': { only: 'guess' },
  'in-commit': { only: 'total,judge' },
  'after-commit': { only: 'total,mean' },
  'in-snapshot': { only: 'total' },
}
const DIES_WITHIN_MS = 300_000
const REST_MS = 180_000
const VICTIM = 2

const FAULT = 'kill-at-each-step'

it('a process of any role, killed at any step beside one that lives, loses and doubles nothing', {
  timeout: 1_500_000 * ROUNDS,
}, async () => {
  await using fleet = await Fleet.open({ fault: FAULT, random: seeded(seedOf(FAULT)) })
  await fleet.startAll({ frontend: 1, agents: 1, storage: 1 })
  fleet.send()
  for (const { role, step, passes } of Array.from({ length: ROUNDS }, () => STEPS).flat()) {
    // The one that lives does what the others have left.
    for (const pass of passes) await dieAt(fleet, role, step, pass)
  }
  await Promise.all(ROLES.map(role => fleet.start(role, VICTIM).ready))
  await fleet.finish()
  await fleet.rest(REST_MS)
  const audited = await fleet.audit()
  fleet.say(audited)
  expect(audited.findings).toEqual([])
})

/** By the failpoint's own hand: a process that lives on was never there. */
async function dieAt(fleet: Fleet, role: Role, step: Failpoint, pass: number): Promise<void> {
  const options = { failpoint: `${step}:${pass}`, ...VICTIMS[step] }
  if (step === 'in-snapshot') await stopAtWork(fleet, options)
  else fleet.start(role, VICTIM, options)
  const victim = fleet.process(role, VICTIM)
  const late = setTimeout(() => victim.signal('SIGTERM'), DIES_WITHIN_MS)
  const { signal, code } = await victim.ended
  clearTimeout(late)
  expect({ signal, code }, `${step}:${pass} ${victim.errors}`).toMatchObject({ signal: 'SIGKILL' })
  fleet.kills++
}

/** So few data need no snapshot before the end: it is taken when a process that has folded some is told to stop. */
async function stopAtWork(fleet: Fleet, options: StartOptions): Promise<void> {
  await using groups = new Groups(servers().kafka, fleet.prefix)
  const { second } = await shareBetweenTwo(fleet, groups, options)
  await untilMoved(fleet, second.partitions, DIES_WITHIN_MS)
  fleet.process('agents', VICTIM).signal('SIGTERM')
}
