import { join } from 'node:path'
import { agent, pipeline, topic } from 'millrace'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { replayTopic } from '../../src/agents/dead-letter.ts'
import { ReplayLog, ReplayReader } from '../../src/agents/replay-log.ts'
import { systemClock } from '../../src/clock.ts'
import { replayFate, replayToJson } from '../../src/console/replays.ts'
import { send } from '../../src/testing/send.ts'
import { VersionLog } from '../../src/versions/log.ts'
import { expire } from './expire.ts'
import { behind, run, until } from './running.ts'
import { embedded, folder, values } from './scene.ts'
import { Cut, Target } from './target.ts'

const WALKER = { name: 'walker', version: 1 }
const REPLAY = replayTopic(WALKER)
const by = 'a person'

/** An agent that begins behind what is there. */
function walking() {
  const steps = topic('steps', z.object({ n: z.number() }), { key: () => 'all' })
  const walked = topic('walked', z.object({ n: z.number() }))
  const walker = agent('walker', { version: 1, from: steps, to: walked, start: 'latest' }, ({ n }) => ({ n }))
  return { steps, pipeline: pipeline('walking', { agents: [walker] }) }
}

/**
 * Offsets 0 to 9 in one partition, in batches of two, 0 and 1 expired; a replay of 0 to 7 that was cut off before 6, another that came to its
 * end; a decommission once all is handled. The replay topic has lost what was read of it, too.
 */
async function recorded(data: string): Promise<ReturnType<typeof walking> & { readonly partition: number }> {
  const scene = walking()
  const partition = await embedded(data, scene.pipeline, async engine => {
    for (let n = 0; n < 10; n += 2) await send(engine, scene.steps, [{ n }, { n: n + 1 }], Date.now())
    const running = run(scene.pipeline, engine)
    await until('it has its place', async () => (await behind(engine, scene.pipeline)) === 0)
    const at = (await engine.bounds('steps')).findIndex(({ next }) => next > 0)
    const place = { topic: 'steps', partition: at }
    const log = new ReplayLog(engine, systemClock)
    const whole = await log.begin(WALKER, { words: '2 to 4', ranges: [{ ...place, first: 2, end: 4 }] }, 100, by)
    await log.put({ number: whole, agent: WALKER, range: 0, place, ranges: [{ first: 2, end: 4 }] })
    await log.end(whole, true)
    const open = await log.begin(WALKER, { words: '0 to 8', ranges: [{ ...place, first: 0, end: 8 }] }, 100, by)
    await log.put({ number: open, agent: WALKER, range: 0, place, ranges: [{ first: 4, end: 6 }] })
    await until('it has done them', async () => (await values(engine, 'walked')).length === 4)
    await running.stop()
    const ends = { steps: (await engine.bounds('steps')).map(({ next }) => next) }
    await new VersionLog(engine).append(engine, { kind: 'decommission', group: 'walker@1', until: ends, by, atMs: Date.now() })
    return at
  })
  expire(data, 'steps', partition, 1)
  expire(data, REPLAY, 0, 1)
  return { ...scene, partition }
}

it('replays and drains name the same data after a move, though offsets are others there', { timeout: 60_000 }, async () => {
  const data = join(folder(), 'data')
  const { partition, pipeline: declared } = await recorded(data)
  const target = new Target()
  await target.take(data)
  const engine = target.engine()
  try {
    const [open, whole] = await new ReplayReader(engine).all()
    const place = { topic: 'steps', partition }
    expect(whole).toMatchObject({ replay: 1, chosen: { ranges: [{ ...place, first: 0, end: 2 }] }, at: { offset: 2 }, put: { end: 0 } })
    expect(open).toMatchObject({
      replay: 4,
      chosen: { words: '0 to 8', ranges: [{ ...place, first: 0, end: 6 }] },
      at: { range: 0, offset: 4 },
      put: { topic: REPLAY, end: 2 },
    })
    const standings = await engine.standings()
    expect(replayFate(whole!, standings)).toBe('complete')
    expect(replayToJson(open!, standings)).toMatchObject({ state: 'open', unread: 0 })
    const ending = (await new VersionLog(engine).read()).ended.get('walker@1')
    expect(ending?.until?.steps?.[partition]).toBe(8)
    // The open one goes on where it was: 6 and 7, and nothing else.
    await new ReplayLog(engine, systemClock).put({
      number: open!.replay,
      agent: WALKER,
      range: 0,
      place,
      ranges: [{ first: open!.at.offset, end: 6 }],
    })
    const running = run(declared, engine)
    await until('they are done', async () => (await values(engine, 'walked')).length === 6)
    await running.stop()
    expect((await values(engine, 'walked')).map(({ n }) => n).sort()).toEqual([2, 3, 4, 5, 6, 7])
  } finally {
    await engine.close()
  }
})

it('records are moved once and whole by a move that is cut off at any step', { timeout: 120_000 }, async () => {
  const data = join(folder(), 'data')
  await recorded(data)
  const records = async (target: Target) => {
    const engine = target.engine()
    return [await values(engine, '_replays'), await values(engine, '_versions')]
  }
  const whole = new Target()
  await whole.take(data)
  const expected = await records(whole)
  expect(expected.map(({ length }) => length)).toEqual([5, 1])
  let cuts = 0
  for (const takesEffect of [false, true]) {
    for (let step = 1; ; step++) {
      const target = new Target()
      const failed = await target.take(data, { cut: new Cut(step, takesEffect) }).catch((error: Error) => error)
      if (!(failed instanceof Error)) break
      cuts++
      await target.take(data)
      expect(await records(target), `step ${step}, ${takesEffect ? 'after' : 'before'} it took effect`).toEqual(expected)
    }
  }
  expect(cuts).toBeGreaterThan(20)
})
