import { expect, it } from 'vitest'
import { formatId, ID_BYTES, mintInto, parseId } from '../../../src/envelope/data-id.ts'
import { JSON_TYPE } from '../../../src/envelope/envelope.ts'
import { FrameWriter } from '../../../src/envelope/frame.ts'
import { until } from '../harness.ts'
import { type Datum, readLog } from '../log.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet } from './fleet.ts'

it('the audit that every fault test ends with finds what is lost, doubled or mixed, and nothing else', { timeout: 900_000 }, async () => {
  await using fleet = await Fleet.open({ fault: 'audit', random: seeded(seedOf('audit')) })
  await fleet.startAll({ frontend: 1, agents: 1, storage: 1 })
  fleet.send()
  await until('there is something to audit', 180_000, () => fleet.acknowledged > 600)
  await fleet.finish()
  await fleet.rest(180_000)
  expect((await fleet.audit()).findings).toEqual([])
  await Promise.all([fleet.process('agents').stop(), fleet.process('storage').stop()])

  const findings = async () => (await fleet.audit()).findings.join('\n')
  const [echo, other] = await readLog(fleet.view, 'echoes')
  await put(fleet, 'echoes', { ...echo!, id: other!.id })
  expect(await findings()).toContain(`mixed: ${other!.id} is`)
  await put(fleet, 'echoes', { ...echo!, id: minted() })
  expect(await findings()).toContain('doubled: echo put 2 data out')
  const [guess] = await readLog(fleet.view, 'guesses')
  await put(fleet, 'guesses', { ...guess!, id: minted(), value: { ...guess!.value, run: 'another' } })
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
  await put(fleet, 'readings', { ...reading!, id: minted() })
  const lost = (await fleet.audit()).findings
  for (const agent of ['total', 'mean']) expect(lost.join('\n')).toContain(`lost: ${agent} is past readings/`)
})

function minted(): string {
  const id = Buffer.alloc(ID_BYTES)
  mintInto(id, 0, Date.now())
  return formatId(id, 0)
}

/** Puts a datum where it should not be. */
async function put(fleet: Fleet, topic: string, { id, partition, parents, value }: Datum): Promise<void> {
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
