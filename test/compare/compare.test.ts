import { agent, pipeline, topic } from 'millrace'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { runAgent } from '../../src/agents/runner.ts'
import { systemClock } from '../../src/clock.ts'
import { compareVersions } from '../../src/compare/compare.ts'
import { Handled } from '../../src/compare/handled.ts'
import { openInMemory } from '../../src/engine/embedded/index.ts'
import { formatId, mint, parseId } from '../../src/envelope/data-id.ts'
import { silentRecorder } from '../../src/instrumentation/recorder.ts'
import { topicSpecs } from '../../src/runtime/topics.ts'
import { send } from '../../src/testing/send.ts'

const schema = z.object({ station: z.string(), n: z.number() })
const demand = topic('demand', schema, { key: datum => datum.station, partitions: 2 })
const prediction = topic('prediction', schema, { key: datum => datum.station, partitions: 3 })
const one = agent('forecast', { version: 1, from: demand, to: prediction }, datum =>
  datum.n % 10 === 0 ? [] : [{ ...datum }, { ...datum, n: -1 }],
)
const two = (options: { shadow?: boolean }) =>
  agent('forecast', { version: 2, from: demand, to: prediction, ...options }, datum => [{ ...datum, n: datum.n === 7 ? 9 : datum.n }])

/** 40 data that both have handled, and four that only the first has. */
async function compared(shadow: boolean, options: Parameters<typeof compareVersions>[2] = { sinceMs: 0 }) {
  await using engine = Object.assign(await openInMemory({ clock: systemClock }), { [Symbol.asyncDispose]: () => engine.close() })
  const graph = pipeline('grid', { agents: [one, two({ shadow })] })
  await engine.ensure(topicSpecs(graph))
  const context = { engine, clock: systemClock, recorder: silentRecorder }
  const running = [...graph.agents.values()].map(each => each.kind === 'agent' && runAgent(each, context))
  const given = async (from: number, count: number) =>
    send(
      engine,
      demand,
      Array.from({ length: count }, (_, i) => ({ station: `s${i % 5}`, n: from + i })),
      Date.now(),
      {},
    )
  const settled = async (group: string) => {
    const deadline = Date.now() + 10_000
    for (;;) {
      const rows = (await engine.standings()).filter(row => row.group === group)
      if (rows.length > 0 && rows.every(row => row.checkpoint.offset === row.next)) return
      if (Date.now() > deadline) throw new Error(`${group} has not caught up`)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
  const receipts = await given(0, 40)
  await settled('forecast@1')
  await settled(`${shadow ? '_shadow.' : ''}forecast@2`)
  if (running[1]) await running[1].stop(1_000)
  await given(100, 4)
  await settled('forecast@1')
  const found = await compareVersions(engine, ['forecast@1', 'forecast@2'], options)
  if (running[0]) await running[0].stop(1_000)
  return { found, receipts }
}

describe('compare', () => {
  it.each([
    ['a live version with its shadow', true],
    ['two live versions in one topic', false],
  ])('pairs the outputs of %s, by datum and index', async (_, shadow) => {
    const { found, receipts } = await compared(shadow)
    expect(found).toMatchObject({
      sides: [
        { agent: 'forecast@1', isShadow: false },
        { agent: 'forecast@2', isShadow: shadow },
      ],
      handled: 40,
      compared: 40,
    })
    const [topic] = found.topics.filter(({ topic }) => topic === 'prediction')
    // Four data have no output of the first, the other 36 have a second one that only the first makes; one is off by 2.
    expect(topic).toMatchObject({ pairs: 36, equal: 35, only: [36, 4], unknown: 0 })
    expect(topic!.fields).toEqual([{ field: 'n', numbers: 36, mean: 2 / 36, max: 2, bias: 2 / 36, different: 0 }])
    expect(topic!.examples).toEqual([
      {
        dataId: receipts[7]!.dataId,
        index: 0,
        values: [
          { station: 's2', n: 7 },
          { station: 's2', n: 9 },
        ],
      },
    ])
  })

  it('looks at the latest only where it is told to', async () => {
    const { found } = await compared(true, { sinceMs: 0, most: 10 })
    expect(found.handled).toBe(10)
    expect((await compared(true, { sinceMs: Date.now() + 60_000 })).found).toMatchObject({ handled: 0, topics: [] })
  })

  it('says what it does not find', async () => {
    await using engine = Object.assign(await openInMemory({ clock: systemClock }), { [Symbol.asyncDispose]: () => engine.close() })
    await expect(compareVersions(engine, ['forecast@1', 'forecast@2'], { sinceMs: 0 })).rejects.toThrow('No agent forecast@1 has a place')
  })
})

describe('the sample', () => {
  it('is halved by what an id is, and forgets none of those that are left', () => {
    const handled = new Handled()
    const ids = Array.from({ length: 1_000 }, () => parseId(mint(Date.now())))
    for (const id of ids) handled.add(id, 0)
    expect(handled.halve()).toBe(true)
    expect(handled.count).toBe(1_000)
    expect(handled.size).toBeGreaterThan(350)
    expect(handled.size).toBeLessThan(650)
    const left = ids.filter(id => handled.has(id.toString('latin1')))
    expect(left).toHaveLength(handled.size)
    // A datum that comes now is let go as those before were.
    const before = handled.size
    for (const id of ids) handled.add(id, 0)
    expect(handled.size).toBe(before)
    expect(left.map(id => formatId(id, 0))).toHaveLength(before)
  })
})
