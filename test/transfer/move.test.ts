import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { agent, cache, out, pipeline, topic } from 'millrace'
import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/clock.ts'
import { DistributedEngine } from '../../src/engine/distributed/index.ts'
import { openAtRest, openEmbedded } from '../../src/engine/embedded/index.ts'
import type { Engine, EngineView } from '../../src/engine/engine.ts'
import { FrameCursor } from '../../src/envelope/frame.ts'
import type { Pipeline } from '../../src/pipeline.ts'
import { checkNoMove, readMove } from '../../src/runtime/move/move-log.ts'
import { topicSpecs } from '../../src/runtime/topics.ts'
import { send } from '../../src/testing/send.ts'
import { openMemoryTrace } from '../../src/trace/adapters/memory/index.ts'
import { audit } from '../faults/audit.ts'
import { seeded, seedOf } from '../faults/random.ts'
import { behind, run, until } from './running.ts'
import { Cut, Target } from './target.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-move-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A data directory that a pipeline has run on. */
async function embedded<T>(directory: string, pipeline: Pipeline, use: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await openEmbedded({ directory })
  try {
    await engine.ensure(topicSpecs(pipeline))
    return await use(engine)
  } finally {
    await engine.close()
  }
}

/** The pipeline of the fault tests, whose every output can be computed again from the log. */
async function faults(lake: string): Promise<{ readonly pipeline: Pipeline; readonly readings: Parameters<typeof send>[1] }> {
  process.env.FAULT_LAKE = lake
  const module = await import('../faults/pipeline.ts')
  return { pipeline: module.default, readings: module.readings }
}

/** Sends as the fault tests' producers do, and remembers what was acknowledged. */
class Producer {
  readonly acknowledged = new Map<string, number>()
  readonly withId = new Set<number>()
  readonly #random: () => number
  #next = 1
  #batch = 0

  constructor(random: () => number) {
    this.#random = random
  }

  /** @returns what sends the same again. */
  async send(engine: Engine, readings: Parameters<typeof send>[1], count: number) {
    const id = this.#batch++ % 3 === 0 ? undefined : `batch-${this.#batch}`
    const data = Array.from({ length: count }, () => {
      const n = this.#next++
      if (id !== undefined) this.withId.add(n)
      return { station: `s${Math.floor(this.#random() * 20)}`, n, value: Math.floor(this.#random() * 1_000) }
    })
    const again = (to: Engine) => send(to, readings, data, Date.now(), { source: 'meter', ...(id === undefined ? {} : { id }) })
    for (const [i, { dataId }] of (await again(engine)).entries()) this.acknowledged.set(dataId, data[i]!.n)
    return { id, again }
  }
}

it('a pipeline under load goes on after a move as if nothing had been, whatever was in hand', { timeout: 120_000 }, async () => {
  const random = seeded(seedOf('move-under-load'))
  const at = folder()
  const data = join(at, 'data')
  const lake = join(at, 'lake')
  const { pipeline, readings } = await faults(lake)
  const producer = new Producer(random)
  const sent = await embedded(data, pipeline, async engine => {
    const batches = []
    for (let stop = 0; stop < 3; stop++) {
      const running = run(pipeline, engine)
      for (let i = 0; i < 8; i++) batches.push(await producer.send(engine, readings, 60))
      await until('some of it is handled', async () => (await behind(engine, pipeline)) < 1_500)
      await (stop === 1 ? running.stop() : running.crash())
    }
    // Nobody has seen these yet.
    for (let i = 0; i < 4; i++) batches.push(await producer.send(engine, readings, 60))
    return batches
  })

  const target = new Target()
  const report = await target.take(data)
  expect(report.topics.find(({ topic: name }) => name === 'readings')?.data).toBe(28 * 60)
  const engine = target.engine()
  try {
    for (const { id, again } of sent)
      if (id !== undefined) expect((await again(engine)).every(({ state }) => state === 'duplicate')).toBe(true)
    const running = run(pipeline, engine)
    for (let i = 0; i < 10; i++) await producer.send(engine, readings, 60)
    await until('all of it is handled', async () => (await behind(engine, pipeline)) === 0)
    await running.stop()
    expect(await audit(engine, lake, [producer] as unknown as Parameters<typeof audit>[2])).toEqual([])
  } finally {
    await engine.close()
  }
})

/** A pipeline with dead letters, a cache, and versions that replace each other. */
function picky(version: 1 | 2 | 3, forgiving: () => boolean) {
  const orders = topic('orders', z.object({ shop: z.string(), n: z.number() }), { key: datum => datum.shop, partitions: 2 })
  const accepted = topic('accepted', z.object({ n: z.number(), sum: z.number() }), { partitions: 2 })
  const sums = cache('sums', z.object({ shop: z.string(), sum: z.number() }), { key: value => value.shop })
  const clerk = agent(
    'clerk',
    {
      version,
      ...(version === 1 ? {} : { replaces: version - 1 }),
      from: orders,
      to: [accepted, sums],
      by: datum => datum.shop,
      state: { init: () => 0, update: (sum: number, datum) => sum + datum.n },
      retry: { attempts: 1 },
    },
    (datum, { state }) => {
      if (datum.n % 10 === 0 && !forgiving()) throw new RangeError(`order ${datum.n} is round`)
      return [out(accepted, { n: datum.n, sum: state }), out(sums, { shop: datum.shop, sum: state })]
    },
  )
  return { orders, accepted, sums, pipeline: pipeline('picky', { agents: [clerk] }) }
}

async function values(view: Pick<EngineView, 'bounds' | 'read'>, name: string): Promise<Record<string, number>[]> {
  const found: Record<string, number>[] = []
  for (const [partition, { first, next }] of (await view.bounds(name)).entries()) {
    for (let from = first; from < next; ) {
      const batch = await view.read(name, partition, from, 1_000_000)
      const cursor = new FrameCursor(batch.frames)
      while (cursor.next()) if (!cursor.isVoid && batch.first + cursor.index >= from) found.push(JSON.parse(cursor.dataText))
      from = batch.first + batch.count
    }
  }
  return found
}

/** Three versions, each of which took over from the one before; letters that are dead, replayed and waiting, done and discarded. */
async function eventful(data: string): Promise<void> {
  const orders = (from: number, count: number) => Array.from({ length: count }, (_, i) => ({ shop: `s${(from + i) % 4}`, n: from + i }))
  for (const version of [1, 2, 3] as const) {
    let forgiving = false
    const { pipeline: declared, orders: topicOf } = picky(version, () => forgiving)
    await embedded(data, declared, async engine => {
      const running = run(declared, engine)
      await send(engine, topicOf, orders(version * 100, 60), Date.now(), { source: 'shop', id: `v${version}` })
      await until('all is handled', async () => (await behind(engine, declared)) === 0)
      const [first, second] = await engine.letters.list({ state: 'dead', limit: 2 })
      if (version === 3) {
        forgiving = true
        await engine.letters.replay([first!.letter], 'a person')
        await until('the replay is handled', async () => (await engine.letters.list({ state: 'done', limit: 1 })).length === 1)
        await engine.letters.discard([second!.letter], 'a person')
      }
      await running.stop()
      // These wait: two orders, and a letter of the version before in the replay topic of this one.
      if (version !== 3) return
      await send(engine, topicOf, orders(400, 2), Date.now(), { source: 'shop', id: 'late' })
      const [old] = await engine.letters.list({ state: 'dead', limit: 1 })
      await engine.letters.replay([old!.letter], 'a person')
    })
  }
}

/** What somebody sees who looks at an engine, but for when it was moved. */
async function seen(engine: EngineView) {
  const topics = (await engine.topics()).map(({ name }) => name).filter(name => !name.startsWith('_') || name.startsWith('_replay'))
  return {
    standings: (await engine.standings())
      .map(({ group, topic: name, partition, checkpoint, replacedBy }) => {
        const { snapshot: _, ...counts } = checkpoint
        return { place: `${group} ${name} ${partition}`, counts, replacedBy }
      })
      // A broker gives a group that takes over also the replay topic of the one before it: nobody reads it.
      .filter(({ place }) => !place.includes('_replay') || /^(\S+) _replay\.\1 /.test(place))
      .sort((a, b) => (a.place < b.place ? -1 : 1)),
    letters: await engine.letters.list({ limit: 1_000 }),
    sums: (await engine.cache('sums'))?.entries
      .map(({ key, value, updatedMs }) => ({ key, value, updatedMs }))
      .sort((a, b) => (a.key < b.key ? -1 : 1)),
    data: await Promise.all(topics.sort().map(async name => [name, await values(engine, name)])),
  }
}

it('letters, caches, states and replaced versions stand after a move as they stood', { timeout: 60_000 }, async () => {
  const data = join(folder(), 'data')
  await eventful(data)
  const source = await openAtRest(data)
  const before = await seen(source)
  await source.close()

  const target = new Target()
  const report = await target.take(data)
  expect(report.letters).toBe(before.letters.length)
  const engine = target.engine()
  try {
    expect(await seen(engine)).toEqual(before)

    const { pipeline: declared } = picky(3, () => true)
    const running = run(declared, engine)
    await until('what waited is handled', async () => (await behind(engine, declared)) === 0)
    const dead = (await engine.letters.list({ state: 'dead', limit: 1_000 })).map(({ letter }) => letter)
    expect(dead.length).toBeGreaterThan(5)
    expect((await engine.letters.replay(dead, 'a person')).length).toBe(dead.length)
    await until('the letters are done', async () => (await engine.letters.list({ state: 'done', limit: 1_000 })).length === dead.length + 2)
    await running.stop()

    const orders = await values(engine, 'orders')
    const accepted = await values(engine, 'accepted')
    const discarded = (await engine.letters.list({ state: 'discarded', limit: 10 })).length
    expect(accepted.map(({ n }) => n).sort()).toHaveLength(orders.length - discarded)
    expect(new Set(accepted.map(({ n }) => n)).size).toBe(accepted.length)
    const sums = new Map<string, number>()
    for (const { shop, n } of orders as unknown as { shop: string; n: number }[]) sums.set(shop, (sums.get(shop) ?? 0) + n)
    const held = new Map((await engine.cache('sums'))!.entries.map(({ key, value }) => [key, JSON.parse(value).sum]))
    expect(held.get('s1')).toBe(sums.get('s1'))
  } finally {
    await engine.close()
  }
})

async function hasData(engine: EngineView): Promise<boolean> {
  const counts = await Promise.all((await engine.topics()).filter(({ name }) => name !== '_move').map(({ name }) => engine.bounds(name)))
  return counts.flat().some(({ next }) => next > 0)
}

it('a move that is cut off at any step goes on where it was, and nothing starts on the target in between', {
  timeout: 240_000,
}, async () => {
  const data = join(folder(), 'data')
  await eventful(data)
  const whole = new Target()
  await whole.take(data)
  const expected = await seen(whole.engine())
  let cuts = 0
  for (const takesEffect of [false, true]) {
    for (let step = 1; ; step++) {
      const target = new Target()
      const failed = await target.take(data, { cut: new Cut(step, takesEffect) }).catch((error: Error) => error)
      if (!(failed instanceof Error)) break
      expect(failed.message).toContain('cut off')
      cuts++
      // Cut off behind its last step it is complete; anywhere else, whatever of it is there holds up whoever starts.
      const { state } = await readMove(target.engine())
      if (state === 'begun') await expect(checkNoMove(target.engine())).rejects.toMatchObject({ code: 'MOVE_UNFINISHED' })
      else if (state === 'none') expect(await hasData(target.engine())).toBe(false)
      await target.take(data)
      await checkNoMove(target.engine())
      expect(await seen(target.engine()), `step ${step}, ${takesEffect ? 'after' : 'before'} it took effect`).toEqual(expected)
    }
  }
  expect(cuts).toBeGreaterThan(40)
})

it('a move refuses what it could not keep whole', { timeout: 60_000 }, async () => {
  const at = folder()
  const data = join(at, 'data')
  await eventful(data)
  const refused = async (target: Target, words: string, directory = data) =>
    expect(target.take(directory)).rejects.toMatchObject({ code: 'MOVE_REFUSED', message: expect.stringContaining(words) })

  const { pipeline: declared, orders } = picky(3, () => true)
  const full = new Target()
  const there = full.engine()
  await there.ensure(topicSpecs(declared))
  await send(there, orders, [{ shop: 's', n: 1 }], Date.now())
  await refused(full, "Topic 'orders' has data on the stream")

  const taken = new Target()
  await taken.take(data)
  await expect(taken.take(data)).resolves.toMatchObject({ already: true })
  const other = join(at, 'other')
  await eventful(other)
  await refused(taken, 'Another data directory was moved', other)
  await embedded(data, declared, engine => send(engine, orders, [{ shop: 's', n: 3 }], Date.now()))
  await refused(taken, 'was moved, and has run on since')

  const running = await openEmbedded({ directory: data })
  await expect(new Target().take(data)).rejects.toMatchObject({ code: 'DATA_DIRECTORY_LOCKED' })
  await running.close()
})

it('a move refuses a target where the pipeline runs, and says so in time', { timeout: 60_000 }, async () => {
  const data = join(folder(), 'data')
  const { pipeline: declared, orders } = picky(1, () => true)
  await embedded(data, declared, async engine => {
    const running = run(declared, engine)
    await send(engine, orders, [{ shop: 's', n: 1 }], Date.now())
    await until('all is handled', async () => (await behind(engine, declared)) === 0)
    await running.stop()
  })
  const target = new Target()
  const engine = target.engine()
  await engine.ensure(topicSpecs(declared))
  const running = run(declared, engine)
  await until('it has joined', async () => (await engine.standings()).length > 0)
  const hurried = { ...systemClock, after: (_ms: number, fire: () => void) => systemClock.after(200, fire) }
  await expect(target.take(data, { clock: hurried })).rejects.toMatchObject({
    code: 'MOVE_REFUSED',
    message: expect.stringContaining('another process still has a part of the group clerk@1'),
  })
  expect((await engine.bounds('orders')).every(({ next }) => next === 0)).toBe(true)
  await running.stop()
  await target.take(data)
  await engine.close()
})

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

/** Deletes what retention would: whole batches from the beginning of a partition. */
function expire(data: string, name: string, partition: number, batches: number): void {
  const db = new DatabaseSync(join(data, 'millrace.db'))
  const { place } = db
    .prepare('SELECT p.place FROM places p JOIN topics t ON t.topic = p.topic WHERE t.name = ? AND p.partition = ?')
    .get(name, partition)!
  for (let i = 0; i < batches; i++) {
    const { first, count } = db.prepare('SELECT first, count FROM batches WHERE place = ? ORDER BY first LIMIT 1').get(place!)!
    db.prepare('DELETE FROM batches WHERE place = ? AND first = ?').run(place!, first!)
    db.prepare('UPDATE places SET floor = ? WHERE place = ?').run(Number(first) + Number(count), place!)
  }
  db.close()
}

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
