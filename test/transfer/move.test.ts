import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { openAtRest, openEmbedded } from '../../src/engine/embedded/index.ts'
import type { Engine, EngineView } from '../../src/engine/engine.ts'
import { FrameCursor } from '../../src/envelope/frame.ts'
import { rewrite } from '../../src/envelope/rewrite.ts'
import { type Pipeline, pipeline } from '../../src/pipeline.ts'
import { checkNoMove, readMove } from '../../src/runtime/move/move-log.ts'
import { topicSpecs } from '../../src/runtime/topics.ts'
import { files } from '../../src/storage/adapters/files/index.ts'
import { send } from '../../src/testing/send.ts'
import { audit } from '../faults/audit.ts'
import faultsPipeline, { readings } from '../faults/pipeline.ts'
import { seeded, seedOf } from '../faults/random.ts'
import { behind, run, until } from './running.ts'
import { embedded, folder, picky, values } from './scene.ts'
import { Cut, Target } from './target.ts'

/**
 * The pipeline of the fault tests, whose every output can be computed again from the log. Its lake is put in its place here: another file of tests
 * in this process may have loaded it before.
 */
function faults(lake: string): Pipeline {
  const to = files(lake, { compression: 'none', key: true, roll: { records: 300, age: '300ms' } })
  return pipeline('faults', {
    agents: faultsPipeline.declared.agents.map(agent => (agent.kind === 'storage-agent' ? { ...agent, store: to } : agent)),
  })
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
  const declared = faults(lake)
  const producer = new Producer(random)
  const sent = await embedded(data, declared, async engine => {
    const batches = []
    for (let stop = 0; stop < 3; stop++) {
      const running = run(declared, engine)
      for (let i = 0; i < 8; i++) batches.push(await producer.send(engine, readings, 60))
      await until('some of it is handled', async () => (await behind(engine, declared)) < 1_500)
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
    const running = run(declared, engine)
    for (let i = 0; i < 10; i++) await producer.send(engine, readings, 60)
    await until('all of it is handled', async () => (await behind(engine, declared)) === 0)
    await running.stop()
    expect(await audit(engine, lake, [producer] as unknown as Parameters<typeof audit>[2])).toEqual([])
  } finally {
    await engine.close()
  }
})

/** Three versions, each of which took over from the one before; letters that are dead, replayed and waiting, edited, done and discarded. */
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
      const [old, edited] = await engine.letters.list({ state: 'dead', limit: 2 })
      await engine.letters.replay([old!.letter], 'a person')
      const frame = (await engine.letters.frame(edited!.letter))!
      const { key, contentType, dataText } = cursorAt(frame)
      await engine.letters.edit(edited!.letter, rewrite(frame, { key, contentType, data: Buffer.from(`${dataText} `) }), 'a person')
    })
  }
}

function cursorAt(frame: Uint8Array): FrameCursor {
  const cursor = new FrameCursor(frame)
  cursor.next()
  return cursor
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
    letters: await Promise.all(
      (await engine.letters.list({ limit: 1_000 })).map(async letter => ({
        ...letter,
        data: [await engine.letters.frame(letter.letter), await engine.letters.original(letter.letter)].map(
          frame => cursorAt(frame!).dataText,
        ),
      })),
    ),
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
  // Nothing was brought, so what runs there is not held up by it.
  await checkNoMove(engine)
  await running.stop()
  await target.take(data)
  await engine.close()
})
