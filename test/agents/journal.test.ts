import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Journal, journalTopic } from '../../src/agents/journal.ts'
import { runAgent } from '../../src/agents/runner.ts'
import { REMEMBERED } from '../../src/agents/seen-ids.ts'
import { systemClock } from '../../src/clock.ts'
import { DistributedEngine } from '../../src/engine/distributed/index.ts'
import { FrameCursor } from '../../src/envelope/frame.ts'
import { MillraceError } from '../../src/errors.ts'
import { agent, topic } from '../../src/index.ts'
import { silentRecorder } from '../../src/instrumentation/recorder.ts'
import { MemoryBroker } from '../../src/stream/adapters/memory/index.ts'
import { eventually } from '../../src/testing/framework.ts'
import { send } from '../../src/testing/send.ts'
import { batch, dataOf } from '../../src/testing/suite-data.ts'
import { openMemoryTrace } from '../../src/trace/adapters/memory/index.ts'

const draw = topic('draw', z.object({ n: z.number() }), { partitions: 2 })
const lot = topic('lot', z.object({ n: z.number(), lot: z.number() }))

/** An agent that gives another answer each time, on an engine whose units are cut off after their outputs are there, so many times. */
async function drawn(journal: boolean, cuts: number) {
  const broker = new MemoryBroker()
  const trace = openMemoryTrace()
  let left = cuts
  const mark = trace.mark.bind(trace)
  trace.mark = async (...given) => {
    if (left-- > 0) throw new MillraceError('LEASE_LOST', 'cut off')
    await mark(...given)
  }
  const engine = new DistributedEngine({ stream: broker.connect(), trace, clock: systemClock })
  let runs = 0
  const declared = agent('lots', { version: 1, from: draw, to: lot, journal }, ({ n }) => ({ n, lot: runs++ }))
  await engine.ensure([draw.spec])
  await send(
    engine,
    draw,
    [1, 2, 3, 4, 5, 6].map(n => ({ n })),
    0,
    {},
  )
  const running = runAgent(declared, { engine, clock: systemClock, recorder: silentRecorder })
  await eventually('everything is committed', async () => {
    const places = (await engine.standings()).filter(at => at.topic === 'draw')
    return (places.length === 2 && places.every(at => at.checkpoint.offset === at.next)) || undefined
  })
  await running.stop(1_000)
  const read = await engine.read('lot', 0, 0, 1_000_000)
  const more = await Promise.all([1, 2, 3].map(partition => engine.read('lot', partition, 0, 1_000_000)))
  await engine.close()
  const answers = new Map<string, Set<string>>()
  for (const found of [read, ...more]) {
    const cursor = new FrameCursor(found.frames)
    while (cursor.next()) answers.set(cursor.dataId, (answers.get(cursor.dataId) ?? new Set()).add(cursor.dataText))
  }
  return { answers: [...answers.values()].map(set => set.size), runs }
}

describe('the journal of an agent', () => {
  it('lets every later run use the outputs of the first, where the handler would give others', async () => {
    const { answers } = await drawn(true, 2)
    expect(answers).toEqual([1, 1, 1, 1, 1, 1])
  })

  it('is what makes the difference: without it runs mix', async () => {
    const { answers, runs } = await drawn(false, 2)
    expect(Math.max(...answers)).toBeGreaterThan(1)
    expect(runs).toBeGreaterThan(6)
  })

  it('takes the first of two runs of a datum that come in one append, and forgets what lies far below the committed place', async () => {
    const broker = new MemoryBroker()
    const engine = new DistributedEngine({ stream: broker.connect(), trace: openMemoryTrace(), clock: systemClock })
    const declared = agent('lots', { version: 1, from: draw, to: lot, journal: true }, () => undefined)
    await engine.ensure([draw.spec])
    const place = { topic: 'draw', partition: 0 }
    const open = (committed: number) => Journal.open(engine, journalTopic(declared, 1), place, committed, new AbortController().signal)
    const id = Buffer.alloc(16, 5)
    const run = (offset: number, data: string) => ({ id, idAt: 0, offset, outputs: [{ target: 0, key: '', data }] })
    const journal = await open(0)
    const counted = await journal.record([run(0, 'first'), run(3, 'second')])
    expect(counted.map(outputs => outputs[0]?.data)).toEqual(['first', 'first'])
    // A copy that was handled before the first was marked: its run comes when the other is noted already.
    const other = { ...run(5, 'its own'), id: Buffer.alloc(16, 6) }
    expect(await journal.record([other])).toEqual([other.outputs])
    expect(await journal.record([{ ...run(6, 'another'), id: other.id }])).toEqual([other.outputs])
    expect((await (await open(REMEMBERED)).recorded(id, 0))?.outputs[0]?.data).toBe('first')
    expect((await open(REMEMBERED + 1)).recorded(id, 0)).not.toBe(undefined)
    expect((await open(REMEMBERED + 4)).recorded(id, 0)).toBe(undefined)
    await engine.close()
  })

  it('keeps the cause and the parents of an output that has its own', async () => {
    const engine = new DistributedEngine({ stream: new MemoryBroker().connect(), trace: openMemoryTrace(), clock: systemClock })
    const declared = agent('lots', { version: 1, from: draw, to: lot, journal: true }, () => undefined)
    await engine.ensure([draw.spec])
    const never = new AbortController().signal
    const open = () => Journal.open(engine, journalTopic(declared, 1), { topic: 'draw', partition: 0 }, 0, never)
    const outputs = [{ target: 0, key: 'k', data: '1', cause: Buffer.alloc(16, 7), parents: Buffer.alloc(32, 8) }]
    const id = Buffer.alloc(16, 5)
    await (await open()).record([{ id, idAt: 0, offset: 0, outputs }])
    expect((await (await open()).recorded(id, 0))?.outputs).toEqual(outputs)
    await engine.close()
  })

  it('gives the run that stands first in the log, to all who write beside each other', async () => {
    const broker = new MemoryBroker()
    const engine = new DistributedEngine({ stream: broker.connect(), trace: openMemoryTrace(), clock: systemClock })
    const declared = agent('lots', { version: 1, from: draw, to: lot, journal: true }, () => undefined)
    await engine.ensure([draw.spec])
    await engine.append([batch('draw', 0, ['a', 'b'])])
    const ids = dataOf(await engine.read('draw', 0, 0, 1_000)).map(({ id }) => Buffer.from(id.replaceAll('-', ''), 'hex'))
    const place = { topic: 'draw', partition: 0 }
    const never = new AbortController().signal
    const [owner, zombie] = [
      await Journal.open(engine, journalTopic(declared, 1), place, 0, never),
      await Journal.open(engine, journalTopic(declared, 1), place, 0, never),
    ]
    const output = (data: string) => [{ target: 0, key: 'k', data }]
    const [first] = await zombie.record([{ id: ids[0]!, idAt: 0, offset: 0, outputs: output('zombie') }])
    expect(first).toEqual(output('zombie'))
    const counted = await owner.record([
      { id: ids[0]!, idAt: 0, offset: 0, outputs: output('owner') },
      { id: ids[1]!, idAt: 0, offset: 1, outputs: [{ target: 1, key: '', data: Buffer.from([0, 255]) }] },
    ])
    expect(counted[0]).toEqual(output('zombie'))
    const later = await Journal.open(engine, journalTopic(declared, 1), place, 0, never)
    expect((await later.recorded(ids[0]!, 0))?.outputs).toEqual(output('zombie'))
    expect((await later.recorded(ids[1]!, 0))?.outputs).toEqual([{ target: 1, key: '', data: Buffer.from([0, 255]) }])
    await engine.close()
  })

  it.each([true, false])(
    'lets every datum of a batch as a whole count once, though a later run finds more of them there (journal: %s)',
    async journal => {
      const broker = new MemoryBroker()
      const trace = openMemoryTrace()
      const engine = new DistributedEngine({ stream: broker.connect(), trace, clock: systemClock })
      const one = topic('one', z.object({ n: z.number() }), { partitions: 1 })
      const total = topic('total', z.object({ n: z.array(z.number()) }), { partitions: 1 })
      await engine.ensure([one.spec])
      let sent = 0
      const sendThree = () => send(engine, one, [{ n: sent++ }, { n: sent++ }, { n: sent++ }], 0, {})
      let cuts = 2
      const mark = trace.mark.bind(trace)
      trace.mark = async (...given) => {
        if (cuts-- > 0) {
          await sendThree()
          throw new MillraceError('LEASE_LOST', 'cut off')
        }
        await mark(...given)
      }
      const batch = { size: 5, waitMs: 5, outputs: 'batch' } as const
      const totals = agent('totals', { version: 1, from: one, to: total, journal, batch }, data => ({ n: data.map(({ n }) => n) }))
      await sendThree()
      const running = runAgent(totals, { engine, clock: systemClock, recorder: silentRecorder })
      await eventually('everything is committed', async () => {
        const at = (await engine.standings()).find(place => place.topic === 'one')
        return at?.checkpoint.offset === 9 || undefined
      })
      await running.stop(1_000)
      // Of several outputs with one id readers take the first.
      const counted = new Map<string, number[]>()
      for (const { id, text } of dataOf(await engine.read('total', 0, 0, 1_000_000)))
        if (!counted.has(id)) counted.set(id, JSON.parse(text).n)
      await engine.close()
      const numbers = [...counted.values()].flat().toSorted((a, b) => a - b)
      if (journal) expect(numbers).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
      else expect(numbers).not.toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    },
  )
})
