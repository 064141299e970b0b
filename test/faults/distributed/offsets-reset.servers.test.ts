import { afterAll, beforeAll, expect, it } from 'vitest'
import { formatId, ID_BYTES, mintInto, parseId } from '../../../src/envelope/data-id.ts'
import { JSON_TYPE } from '../../../src/envelope/envelope.ts'
import { FrameWriter } from '../../../src/envelope/frame.ts'
import { servers } from '../../servers/shared.ts'
import { type Datum, readLog } from '../log.ts'
import { seeded, seedOf } from '../random.ts'
import type { Audited } from './audit.ts'
import { Fleet } from './fleet.ts'
import { Groups } from './groups.ts'
import faults from './pipeline.ts'

const REST_MS = 180_000
const EACH = { frontend: 1, agents: 1, storage: 1 } as const

const open = new AsyncDisposableStack()
let fleet: Fleet

beforeAll(async () => {
  fleet = open.use(await Fleet.open({ random: seeded(seedOf('offsets-reset')) }))
  await fleet.startAll(EACH)
}, 420_000)
afterAll(() => open.disposeAsync())

it('groups that are set back, to the beginning of their topics or half way, do everything again from there and change nothing', {
  timeout: 900_000,
}, async () => {
  await using groups = new Groups(servers().kafka, fleet.prefix)
  const before = await sendSome('before')
  expect(before.findings, 'before').toEqual([])

  await stopAll()
  await groups.reset(() => 0)
  await fleet.startAll(EACH)
  await fleet.rest(REST_MS)
  const after = await fleet.audit()
  expect(after.findings, 'after').toEqual([])
  // The trace knows that all of it is done: not even copies came of it.
  expect(after).toEqual(before)

  await stopAll()
  const middles = await middlesOf()
  await groups.reset((topic, partition) => middles.get(topic)![partition]!)
  await fleet.startAll(EACH)
  // Also what comes after it finds the windows and states of everything before it.
  expect((await sendSome('from half way')).findings).toEqual([])
})

// The last: it spoils what is there.
it('the audit that every fault test ends with finds what is lost, doubled or mixed, and nothing else', { timeout: 900_000 }, async () => {
  await stopAll()
  const findings = async () => (await fleet.audit()).findings.join('\n')
  const [echo, other] = await readLog(fleet.view, 'echoes')
  await put('echoes', { ...echo!, id: other!.id })
  expect(await findings()).toContain(`mixed: ${other!.id} is`)
  await put('echoes', { ...echo!, id: minted() })
  expect(await findings()).toContain('doubled: echo put 2 data out')
  const [guess] = await readLog(fleet.view, 'guesses')
  await put('guesses', { ...guess!, id: minted(), value: { ...guess!.value, run: 'another' } })
  expect(await findings()).toContain('mixed: the guesses about')

  await fleet.rows.run('DELETE FROM totals WHERE data_id = (SELECT min(data_id::text)::uuid FROM totals)')
  expect(await findings()).toMatch(/lost: .* of totals\/.* has no row/)
  await fleet.rows.run('UPDATE readings SET n = -1 WHERE data_id = (SELECT min(data_id::text)::uuid FROM readings)')
  expect(await findings()).toMatch(/rows: n of .* is -1 in its row/)
  fleet.producers[0]!.acknowledged.set(minted(), 1)
  expect(await findings()).toMatch(/lost: reading 1 was acknowledged as/)
  await fleet.objects.forget('guesses')
  expect(await findings()).toMatch(/objects: .* no manifest lists it/)

  // A reading that no agent has seen: every one of them has lost it.
  const [reading] = await readLog(fleet.view, 'readings')
  await put('readings', { ...reading!, id: minted() })
  const lost = (await fleet.audit()).findings
  for (const agent of ['total', 'mean']) expect(lost.join('\n')).toContain(`lost: ${agent} is past readings/`)
})

async function sendSome(when: string): Promise<Audited> {
  fleet.send()
  await fleet.underWay(2_000)
  return fleet.verdict(`offsets-reset, ${when}`)
}

async function stopAll(): Promise<void> {
  for (const role of ['agents', 'storage', 'frontend'] as const) expect(await fleet.process(role).stop()).toBe(0)
}

/** Of every topic that somebody reads, an offset in the middle of each partition. */
async function middlesOf(): Promise<ReadonlyMap<string, readonly number[]>> {
  const topics = new Set([...faults.agents.values()].flatMap(({ from }) => from.map(({ name }) => name)))
  const middle = async (topic: string) => (await fleet.view.bounds(topic)).map(({ first, next }) => Math.floor((first + next) / 2))
  return new Map(await Promise.all([...topics].map(async topic => [topic, await middle(topic)] as const)))
}

function minted(): string {
  const id = Buffer.alloc(ID_BYTES)
  mintInto(id, 0, Date.now())
  return formatId(id, 0)
}

/** Puts a datum where it should not be. */
async function put(topic: string, { id, partition, parents, value }: Datum): Promise<void> {
  const writer = new FrameWriter()
  writer.add({
    id: parseId(id),
    idAt: 0,
    supplied: false,
    source: Buffer.from('millrace'),
    createdMs: Date.now(),
    contentType: JSON_TYPE,
    type: '',
    key: String(value.station ?? ''),
    parents: Buffer.concat(parents.map(parent => parseId(parent))),
    data: JSON.stringify(value),
  })
  await fleet.view.append([{ topic, partition, ...writer.take() }])
}
