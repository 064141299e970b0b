import { join } from 'node:path'
import { agent, pipeline, topic } from 'millrace'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/clock.ts'
import { DistributedEngine } from '../../src/engine/distributed/index.ts'
import { openAtRest } from '../../src/engine/embedded/index.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { FrameCursor } from '../../src/envelope/frame.ts'
import { ledgerOf } from '../../src/instrumentation/ledger.ts'
import { send } from '../../src/testing/send.ts'
import { openMemoryTrace } from '../../src/trace/adapters/memory/index.ts'
import { expire } from './expire.ts'
import { behind, run, until } from './running.ts'
import { embedded, folder, picky, values } from './scene.ts'
import { Target } from './target.ts'

/** An agent that is held up by the first datum of each partition, and goes on past it. */
function heldUp(release: Promise<void>) {
  const steps = topic('steps', z.object({ n: z.number() }), { partitions: 2 })
  const walked = topic('walked', z.object({ n: z.number() }), { partitions: 1 })
  const walker = agent('walker', { version: 1, from: steps, to: walked, concurrency: 4 }, async ({ n }) => {
    if (n === 0) await release
    if (n === 5) throw new RangeError('five')
    return { n }
  })
  return { steps, pipeline: pipeline('held-up', { agents: [walker] }) }
}

it('what agents have finished ahead of their places is not done again, and what is dead there stays dead', {
  timeout: 60_000,
}, async () => {
  const data = join(folder(), 'data')
  const stuck = Promise.withResolvers<void>()
  const before = heldUp(stuck.promise)
  const ids = await embedded(data, before.pipeline, async engine => {
    const running = run(before.pipeline, engine)
    const sent = await send(
      engine,
      before.steps,
      Array.from({ length: 40 }, (_, n) => ({ n })),
      Date.now(),
      { id: 'walk' },
    )
    await until('all but the first are handled', async () => {
      const dead = (await engine.letters.list({ limit: 10 })).length
      return dead === 1 && (await values(engine, 'walked')).length === 38
    })
    await running.crash()
    stuck.resolve()
    return sent.map(({ dataId }) => dataId)
  })

  const target = new Target()
  expect((await target.take(data)).marks).toBeGreaterThan(10)
  const engine = target.engine()
  try {
    const after = heldUp(Promise.resolve()).pipeline
    const running = run(after, engine)
    await until('all of it is handled', async () => (await behind(engine, after)) === 0)
    await running.stop()
    const walked = (await values(engine, 'walked')).map(({ n }) => n!)
    expect(walked.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n).filter(n => n !== 5))
    expect(await engine.letters.list({ limit: 10 })).toMatchObject([{ dataId: ids[5], state: 'dead', error: { message: 'five' } }])
    const totals = (await engine.standings()).filter(({ topic: name }) => name === 'steps').map(({ checkpoint }) => checkpoint)
    expect(totals.reduce((sum, { done }) => sum + done, 0)).toBe(39)
    expect(totals.reduce((sum, { dead }) => sum + dead, 0)).toBe(1)
  } finally {
    await engine.close()
  }
})

it('a log whose beginning has expired is moved from where it begins, and the ledger goes on balanced', { timeout: 60_000 }, async () => {
  const data = join(folder(), 'data')
  const { pipeline: declared, orders } = picky(1, () => false)
  await embedded(data, declared, async engine => {
    const running = run(declared, engine)
    for (let i = 0; i < 6; i++) {
      await send(
        engine,
        orders,
        Array.from({ length: 20 }, (_, n) => ({ shop: 's1', n: i * 20 + n })),
        Date.now(),
        { id: `a${i}` },
      )
    }
    await until('all is handled', async () => (await behind(engine, declared)) === 0)
    await running.stop()
    await send(engine, orders, [{ shop: 's1', n: 121 }], Date.now(), { id: 'late' })
  })
  const source = await openAtRest(data)
  const { partition } = (await source.letters.list({ limit: 1 }))[0]!
  await source.close()
  expire(data, 'orders', partition, 3)

  const target = new Target()
  const warnings: string[] = []
  const report = await target.take(data, { history: true, warn: text => warnings.push(text) })
  expect(warnings).toEqual([])
  expect(report.topics.find(({ topic: name }) => name === 'orders')?.data).toBe(61)
  const engine = target.engine()
  try {
    const { checkpoint } = (await engine.standings()).find(one => one.topic === 'orders' && one.partition === partition)!
    expect(checkpoint).toMatchObject({ first: 0, offset: 60, done: 48, dead: 12 })
    const running = run(declared, engine)
    await until('what waited is handled', async () => (await behind(engine, declared)) === 0)
    await running.stop()
    // The state goes on with what has expired folded in.
    expect(JSON.parse((await engine.cacheEntry('sums', 's1'))!.value)).toEqual({ shop: 's1', sum: (119 * 120) / 2 + 121 })
    const batch = await engine.read('orders', partition, 1, 1)
    const cursor = new FrameCursor(batch.frames)
    cursor.next()
    const record = await engine.find(cursor.dataId)
    expect(record?.marks).toMatchObject([{ name: 'clerk', topic: 'orders', offset: batch.first }])
    expect(record?.marks[0]?.finishedMs).toBeLessThan(Date.now())
  } finally {
    await engine.close()
  }

  expire(data, 'orders', partition, 3)
  const late = new Target()
  await late.take(data, { warn: text => warnings.push(text) })
  expect(warnings).toEqual([])
  expire(data, 'orders', partition, 1)
  const last = new Target()
  await last.take(data, { warn: text => warnings.push(text) })
  expect(warnings).toEqual([expect.stringMatching(/^1 data of orders, partition \d, had expired before clerk@1 came to them/)])
  const ledger = ledgerOf(await last.engine().standings(), Date.now())
  expect(ledger.balanced).toBe(true)
  expect(ledger.rows.find(row => row.topic === 'orders' && row.partition === partition)).toMatchObject({ lost: 1, done: 0, behind: 0 })
})

it('a copy that gets in after the trace was lost is folded no second time', { timeout: 60_000 }, async () => {
  const data = join(folder(), 'data')
  const { pipeline: declared, orders } = picky(1, () => true)
  const again = (engine: Engine) =>
    send(
      engine,
      orders,
      Array.from({ length: 30 }, (_, n) => ({ shop: 's1', n })),
      Date.now(),
      { id: 'a' },
    )
  await embedded(data, declared, async engine => {
    const running = run(declared, engine)
    await again(engine)
    await until('all is handled', async () => (await behind(engine, declared)) === 0)
    await running.stop()
  })
  const target = new Target()
  await target.take(data)
  const engine = new DistributedEngine({ stream: target.broker.connect(), trace: openMemoryTrace(), clock: systemClock })
  try {
    const running = run(declared, engine)
    expect((await again(engine)).every(({ state }) => state === 'accepted')).toBe(true)
    await send(engine, orders, [{ shop: 's1', n: 1_000 }], Date.now())
    await until('all is handled', async () => (await behind(engine, declared)) === 0)
    await running.stop()
    expect(JSON.parse((await engine.cacheEntry('sums', 's1'))!.value)).toEqual({ shop: 's1', sum: 435 + 1_000 })
  } finally {
    await engine.close()
  }
})
