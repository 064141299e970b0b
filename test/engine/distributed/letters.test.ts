import { expect, it, onTestFinished } from 'vitest'
import { replayTopic } from '../../../src/agents/dead-letter.ts'
import { systemClock } from '../../../src/clock.ts'
import { DistributedEngine } from '../../../src/engine/distributed/index.ts'
import { LETTERS } from '../../../src/engine/distributed/internal-topics.ts'
import { rewrite } from '../../../src/envelope/rewrite.ts'
import type { AppendBatch, GroupedStream, Lease } from '../../../src/stream/stream.ts'
import { Members, placeOf } from '../../../src/testing/group-member.ts'
import { batch, dataOf, spec, texts } from '../../../src/testing/suite-data.ts'
import { deadMark, FORECAST, letterOf, move, unit } from '../../../src/testing/unit-of-work.ts'
import { LaggingReader } from '../../stream/lagging.ts'
import { Scene } from './scene.ts'

const REPLAY = replayTopic(FORECAST)
const REPLAYED = { topic: REPLAY, partition: 0 }

/** So many data are dead, and the agent has its replay topic. */
async function dead(count: number) {
  const scene = new Scene()
  const engine = scene.engine()
  await engine.ensure([spec('demand'), spec(REPLAY)])
  await engine.append([batch('demand', 0, texts('d', count))])
  const members = new Members(engine)
  onTestFinished(() => members.closeAll())
  const lease = await members.join({ name: 'forecast@2', edition: 2 }, ['demand', REPLAY]).lease(2)
  const read = await engine.read('demand', 0, 0, 1_000_000)
  const numbers = Array.from({ length: count }, (_, offset) => offset)
  await engine.commit(
    unit(lease, {
      letters: numbers.map(offset => letterOf(read, offset, 'no model')),
      marks: numbers.map(offset => deadMark(read, offset, 'no model')),
      checkpoints: [move(placeOf(lease, 'demand').checkpoint, count, count)],
    }),
  )
  return { scene, engine, lease }
}

/** The agent fails what stands in its replay topic from an offset on. */
async function failAgain(engine: DistributedEngine, lease: Lease, offset: number): Promise<void> {
  const read = await engine.read(REPLAY, 0, offset, 1_000_000)
  const before = { ...placeOf(lease, REPLAY).checkpoint, offset, dead: offset }
  await engine.commit(
    unit(lease, {
      letters: [letterOf(read, offset, `failed at ${offset}`)],
      marks: [deadMark(read, offset, `failed at ${offset}`)],
      checkpoints: [move(before, offset + 1, 1, REPLAYED)],
    }),
  )
}

/** An engine of somebody who replays: `after` is called after each of its appends. */
function replayer(scene: Scene, after: (batches: readonly AppendBatch[]) => Promise<void>): DistributedEngine {
  const stream = scene.broker.connect()
  const append = stream.append.bind(stream)
  const watched: Partial<GroupedStream> = {
    append: async batches => {
      const appended = await append(batches)
      await after(batches)
      return appended
    },
  }
  const engine = new DistributedEngine({ stream: Object.assign(stream, watched), trace: scene.trace, clock: systemClock })
  onTestFinished(() => engine.close())
  return engine
}

it('a letter that dies again before its replay is noted is dead, for the new reason, and can be replayed again', async () => {
  const { scene, engine, lease } = await dead(1)
  let times = 0
  const operator = replayer(scene, async ([first]) => {
    if (first?.topic !== REPLAY || times++ > 0) return
    // Its place does not move yet: another datum before it is still in hand.
    const read = await engine.read(REPLAY, 0, 0, 1_000_000)
    await engine.commit(unit(lease, { letters: [letterOf(read, 0, 'failed at 0')], marks: [deadMark(read, 0, 'failed at 0')] }))
  })
  expect(await operator.letters.replay([1], 'suite')).toEqual([1])
  const [letter] = await engine.letters.list({ limit: 10 })
  expect(letter).toMatchObject({ state: 'dead', replays: 1, error: { message: 'failed at 0' } })
  expect(await operator.letters.replay([1], 'suite')).toEqual([1])
  expect((await engine.letters.list({ limit: 10 }))[0]).toMatchObject({ state: 'replayed', replays: 2 })
})

it('a death of an earlier replay that is said late leaves a letter replayed: the later one is still to be handled', async () => {
  const { engine, lease } = await dead(1)
  await engine.letters.replay([1], 'suite')
  await failAgain(engine, lease, 0)
  await engine.letters.replay([1], 'suite')
  const read = await engine.read(REPLAY, 0, 0, 1_000_000)
  await engine.commit(unit(lease, { letters: [letterOf(read, 0, 'late')], marks: [deadMark(read, 0, 'late')] }))
  expect((await engine.letters.list({ limit: 10 }))[0]).toMatchObject({ state: 'replayed', error: { message: 'failed at 0' } })
})

it('hundreds are replayed by few calls to the stream', async () => {
  const { scene, engine } = await dead(300)
  let appends = 0
  const operator = replayer(scene, async () => {
    appends++
  })
  const numbers = (await operator.letters.list({ limit: 1_000 })).map(({ letter }) => letter)
  expect(await operator.letters.replay(numbers, 'suite')).toHaveLength(300)
  // That they are about to be, their data, and that they are.
  expect(appends).toBe(3)
  expect((await engine.letters.list({ limit: 1_000, state: 'replayed' })).length).toBe(300)
})

it('what is over keeps no stack', async () => {
  const { engine } = await dead(2)
  await engine.letters.discard([1], 'suite')
  const [waiting, over] = await engine.letters.list({ limit: 10 })
  expect([waiting?.error.stack === undefined, over?.error.stack, over?.error.message]).toEqual([false, undefined, 'no model'])
})

it('a broker that does not show all events at once is waited for: what was discarded is not replayed', async () => {
  const { scene, engine } = await dead(1)
  await engine.letters.discard([1], 'suite')
  const stream = scene.broker.connect()
  const lagging = new LaggingReader(scene.broker.connect(), 1, 3)
  const read: GroupedStream['read'] = (topic, ...rest) =>
    topic === LETTERS.name ? lagging.read(topic, ...rest) : scene.broker.connect().read(topic, ...rest)
  const operator = new DistributedEngine({ stream: Object.assign(stream, { read }), trace: scene.trace, clock: systemClock })
  onTestFinished(() => operator.close())
  expect(await operator.letters.replay([1], 'suite')).toEqual([])
})

/** So many operators, each of whom has read the letters and is held at the next append of its own until all of them are. */
async function together<T>(count: number, scene: Scene, act: (engine: DistributedEngine) => Promise<T>): Promise<T[]> {
  let waiting = 0
  const all = Promise.withResolvers<void>()
  const operators = Array.from({ length: count }, () => {
    const stream = scene.broker.connect()
    const append = stream.append.bind(stream)
    let held = false
    const watched: Partial<GroupedStream> = {
      append: async batches => {
        if (!held && ++waiting === count) all.resolve()
        held = true
        await all.promise
        return append(batches)
      },
    }
    const engine = new DistributedEngine({ stream: Object.assign(stream, watched), trace: scene.trace, clock: systemClock })
    onTestFinished(() => engine.close())
    return engine
  })
  return Promise.all(operators.map(act))
}

it('of two that expire the same letters at once one says that it has', async () => {
  const { scene } = await dead(3)
  const taken = await together(2, scene, engine => engine.letters.expire([1, 2, 3], Number.MAX_SAFE_INTEGER))
  expect(taken.map(({ length }) => length).sort()).toEqual([0, 3])
})

it('of two that discard the same letters at once one says that it has', async () => {
  const { scene } = await dead(3)
  const taken = await together(2, scene, engine => engine.letters.discard([1, 2, 3], 'suite'))
  expect(taken.map(({ length }) => length).sort()).toEqual([0, 3])
})

/** The datum with other words, for a letter's edit. */
async function edited(engine: DistributedEngine, letter: number): Promise<Uint8Array> {
  const frame = (await engine.letters.frame(letter))!
  return rewrite(frame, { key: '', contentType: 'text/plain', data: Buffer.from('mended') })
}

it('a letter is not edited any more once its datum is on its way to the agent, and can be again when that has failed', async () => {
  const { scene, engine, lease } = await dead(2)
  const edits: boolean[] = []
  const operator = replayer(scene, async ([first]) => {
    // The data are in the replay topic, and where they are is not noted yet.
    if (first?.topic === REPLAY) edits.push(await engine.letters.edit(1, await edited(engine, 1), 'somebody'))
  })
  expect(await operator.letters.replay([1, 2], 'suite')).toEqual([1, 2])
  expect(edits).toEqual([false])
  await failAgain(engine, lease, 0)
  expect((await engine.letters.list({ limit: 1, letters: [1] }))[0]).toMatchObject({ state: 'dead', replays: 1 })
  expect(await engine.letters.edit(1, await edited(engine, 1), 'somebody')).toBe(true)
})

it('an edit that comes right before a replay is what the agent gets', async () => {
  const { scene, engine } = await dead(1)
  const stream = scene.broker.connect()
  const append = stream.append.bind(stream)
  let edits = 0
  const watched: Partial<GroupedStream> = {
    append: async batches => {
      // It has read the letters, and has said nothing yet.
      if (edits++ === 0) expect(await engine.letters.edit(1, await edited(engine, 1), 'somebody')).toBe(true)
      return append(batches)
    },
  }
  const operator = new DistributedEngine({ stream: Object.assign(stream, watched), trace: scene.trace, clock: systemClock })
  onTestFinished(() => operator.close())
  expect(await operator.letters.replay([1], 'suite')).toEqual([1])
  expect(dataOf(await engine.read(REPLAY, 0, 0, 1_000_000)).map(({ text }) => text)).toEqual(['mended'])
})

it('a replay that is cut off before its data are put leaves a letter dead: to be replayed again, and to be edited once that has failed', async () => {
  const { scene, engine, lease } = await dead(1)
  const cut = replayer(scene, async ([first]) => {
    if (first?.topic === LETTERS.name) throw new Error('cut off')
  })
  await expect(cut.letters.replay([1], 'suite')).rejects.toThrow('cut off')
  expect((await engine.letters.list({ limit: 1 }))[0]).toMatchObject({ state: 'dead', replays: 0 })
  expect(await engine.letters.edit(1, await edited(engine, 1), 'somebody')).toBe(false)
  expect(await engine.letters.replay([1], 'suite')).toEqual([1])
  await failAgain(engine, lease, 0)
  expect(await engine.letters.edit(1, await edited(engine, 1), 'somebody')).toBe(true)
})
