import assert from 'node:assert/strict'
import { replayTopic } from '../agents/dead-letter.ts'
import type { Engine } from '../engine/engine.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { DONE, FRESH } from '../trace/trace.ts'
import type { EngineScene, EngineSuiteOptions } from './engine-suite.ts'
import { type TestFramework, within } from './framework.ts'
import { Members, moved, placeOf } from './group-member.ts'
import { batch, dataOf, spec } from './suite-data.ts'
import { CLAIMED_MS, DEMAND, deadMark, doneMark, FINISHED_MS, FORECAST, letterOf, move, unit } from './unit-of-work.ts'

const REPLAY = replayTopic(FORECAST)
const REPLAYED = { topic: REPLAY, partition: 0 }
const GROUP = { name: 'forecast@2', edition: 2 }
const BY = 'suite'

export type Over = (test: (scene: EngineScene) => Promise<void>) => () => Promise<void>

/** Two data of partition 0 are dead, with a reason each. */
export async function twoDead({ engine, lease, start }: EngineScene): Promise<void> {
  const read = await engine.read('demand', 0, 0, 100_000)
  await engine.commit(
    unit(lease, {
      letters: [letterOf(read, 0, 'no model'), letterOf(read, 1, '100% off')],
      marks: [deadMark(read, 0, 'no model'), deadMark(read, 1, '100% off')],
      checkpoints: [move(start, 2, 2)],
    }),
  )
}

/** Dead letters: the part of the engine's suite about what a person decides. */
export function engineLetterSuite({ describe, it }: TestFramework, name: string, options: EngineSuiteOptions, over: Over): void {
  const statesOf = async (engine: Engine) => (await engine.letters.list({ limit: 10 })).map(letter => [letter.offset, letter.state])

  /** The agent's group as it runs: on its topic and its replay topic. */
  async function replaying(engine: Engine, members: Members) {
    await engine.ensure([spec(REPLAY)])
    await members.closeAll()
    return members.join(GROUP, ['demand', REPLAY]).lease(3)
  }

  describe(`${name}: dead letters`, () => {
    it(
      'keep the datum with everything known of its failure, the newest first',
      over(async scene => {
        await twoDead(scene)
        const [newest, oldest] = await scene.engine.letters.list({ limit: 10 })
        const original = dataOf(await scene.engine.read('demand', 0, 0, 100_000))[1]!
        assert.ok(newest!.letter > oldest!.letter && oldest!.letter >= 1)
        const { letter: _, ...known } = newest!
        assert.deepEqual(known, {
          agent: FORECAST,
          ...DEMAND,
          offset: 1,
          dataId: original.id,
          error: { code: 'HANDLER_TIMEOUT', name: 'MillraceError', message: '100% off', stack: 'MillraceError: 100% off\n    at forecast' },
          attempts: 5,
          atMs: FINISHED_MS,
          state: 'dead',
          replays: 0,
        })
        const cursor = new FrameCursor((await scene.engine.letters.frame(newest!.letter))!)
        assert.ok(cursor.next())
        assert.deepEqual([cursor.dataId, cursor.dataText], [original.id, original.text])
        assert.equal(await scene.engine.letters.frame(9_999), undefined)
      }),
    )

    it(
      'are found by agent, version, topic, state, number, datum, reason, and as many as asked',
      over(async scene => {
        await twoDead(scene)
        const { letters } = scene.engine
        const [newest, oldest] = await letters.list({ limit: 10 })
        const offsets = async (filter: Partial<Parameters<typeof letters.list>[0]>) =>
          (await letters.list({ limit: 10, ...filter })).map(letter => letter.offset)
        assert.deepEqual(await offsets({ agent: 'forecast', version: 2, topic: 'demand', state: 'dead' }), [1, 0])
        for (const filter of [{ agent: 'other' }, { version: 3 }, { topic: 'prediction' }, { state: 'done' }, { letters: [] }] as const)
          assert.deepEqual(await offsets(filter), [], JSON.stringify(filter))
        assert.deepEqual(await offsets({ letters: [oldest!.letter] }), [0])
        assert.deepEqual(await offsets({ dataId: newest!.dataId }), [1])
        assert.deepEqual(await offsets({ matching: 'model' }), [0])
        assert.deepEqual(await offsets({ matching: '0%' }), [1])
        assert.deepEqual(await offsets({ limit: 1 }), [1])
      }),
    )

    it(
      'are one for each position, however often it is said',
      over(async scene => {
        await twoDead(scene)
        const read = await scene.engine.read('demand', 0, 0, 100_000)
        await scene.engine.commit(unit(scene.lease, { letters: [letterOf(read, 0, 'again')], marks: [deadMark(read, 0, 'again')] }))
        assert.deepEqual(await statesOf(scene.engine), [
          [1, 'dead'],
          [0, 'dead'],
        ])
      }),
    )

    it(
      'replayed are in the agent’s replay topic, with their id, their data and the topic they came from; only dead ones are taken',
      over(async scene => {
        await twoDead(scene)
        const { engine } = scene
        const [, oldest] = await engine.letters.list({ limit: 10 })
        assert.deepEqual(await engine.letters.replay([oldest!.letter, 9_999], BY), [oldest!.letter])
        assert.deepEqual(await engine.letters.replay([oldest!.letter], BY), [], 'It is replayed already, and was taken again.')
        assert.deepEqual(await statesOf(engine), [
          [1, 'dead'],
          [0, 'replayed'],
        ])
        const read = await engine.read(REPLAY, 0, 0, 100_000)
        const cursor = new FrameCursor(read.frames)
        assert.deepEqual(
          [read.count, cursor.next(), cursor.dataId, cursor.type, cursor.dataText],
          [1, true, oldest!.dataId, 'demand', '0.0'],
        )
        const [, again] = await engine.letters.list({ limit: 10 })
        assert.equal(again!.replays, 1)
        assert.ok((again!.replayedMs ?? 0) > 0)
      }),
    )

    it(
      'replayed wake the agent, are worked on although they were dead, and are done when it is done',
      over(async scene => {
        await twoDead(scene)
        const { engine, members } = scene
        const lease = await replaying(engine, members)
        const place = placeOf(lease, REPLAY)
        const fetching = lease.fetch(REPLAYED, place.checkpoint.offset, 100_000)
        const [, oldest] = await engine.letters.list({ limit: 10 })
        await engine.letters.replay([oldest!.letter], BY)
        const read = await within('fetch() wakes for a replay', fetching)
        assert.deepEqual([...(await engine.claim(FORECAST, read!, read!.first, CLAIMED_MS))], [FRESH])
        await engine.commit(unit(lease, { marks: [doneMark(read!, read!.first, read!.first + 1)], checkpoints: [moved(place, 1)] }))
        assert.deepEqual(await statesOf(engine), [
          [1, 'dead'],
          [0, 'done'],
        ])
        assert.deepEqual([...(await engine.claim(FORECAST, read!, read!.first, CLAIMED_MS))], [DONE])
        assert.deepEqual(await engine.letters.replay([oldest!.letter], BY), [], 'What is done is not replayed.')
      }),
    )

    it(
      'replayed that fail again are dead again, for the new reason, and can be replayed again',
      over(async scene => {
        await twoDead(scene)
        const { engine, members } = scene
        const lease = await replaying(engine, members)
        const place = placeOf(lease, REPLAY)
        const [, oldest] = await engine.letters.list({ limit: 10 })
        await engine.letters.replay([oldest!.letter], BY)
        const read = await engine.read(REPLAY, 0, 0, 100_000)
        await engine.commit(
          unit(lease, {
            letters: [letterOf(read, 0, 'still no model')],
            marks: [deadMark(read, 0, 'still no model')],
            checkpoints: [move(place.checkpoint, 1, 1, REPLAYED)],
          }),
        )
        const [, again] = await engine.letters.list({ limit: 10 })
        assert.deepEqual(
          [again!.letter, again!.state, again!.error.message, again!.topic],
          [oldest!.letter, 'dead', 'still no model', 'demand'],
        )
        assert.deepEqual(await engine.letters.replay([oldest!.letter], BY), [oldest!.letter])
        const second = await engine.read(REPLAY, 0, 1, 100_000)
        assert.deepEqual([second.first, second.count, dataOf(second)[0]?.id], [1, 1, oldest!.dataId])
        assert.deepEqual([...(await engine.claim(FORECAST, second, 1, CLAIMED_MS))], [FRESH])
      }),
    )

    it(
      'replayed that expired before the agent came to them are dead as they were, and can be replayed again',
      over(async scene => {
        await twoDead(scene)
        const { engine, members } = scene
        const lease = await replaying(engine, members)
        const [, oldest] = await engine.letters.list({ limit: 10 })
        await engine.letters.replay([oldest!.letter], BY)
        const { checkpoint } = placeOf(lease, REPLAY)
        const passed = { ...REPLAYED, from: checkpoint.offset, checkpoint: { ...checkpoint, offset: 1, lost: 1 } }
        await engine.commit(unit(lease, { checkpoints: [passed] }))
        const [, again] = await engine.letters.list({ limit: 10 })
        assert.deepEqual([again!.letter, again!.state, again!.error.message], [oldest!.letter, 'dead', 'no model'])
        assert.deepEqual(await engine.letters.replay([oldest!.letter], BY), [oldest!.letter])
      }),
    )

    it(
      'replayed together are put again in the order in which they died, each once',
      over(async scene => {
        await twoDead(scene)
        const { engine } = scene
        const numbers = (await engine.letters.list({ limit: 10 })).map(({ letter }) => letter)
        await engine.letters.replay([...numbers, ...numbers], BY)
        assert.deepEqual(
          dataOf(await engine.read(REPLAY, 0, 0, 100_000)).map(({ text }) => text),
          dataOf(await engine.read('demand', 0, 0, 100_000))
            .slice(0, 2)
            .map(({ text }) => text),
        )
      }),
    )

    it(
      'discarded are given up, and not replayed',
      over(async scene => {
        await twoDead(scene)
        const { engine } = scene
        const [newest] = await engine.letters.list({ limit: 10 })
        assert.deepEqual(await engine.letters.discard([newest!.letter, 9_999], BY), [newest!.letter])
        assert.deepEqual(await engine.letters.discard([newest!.letter], BY), [])
        assert.deepEqual(await engine.letters.replay([newest!.letter], BY), [])
        assert.deepEqual(await statesOf(engine), [
          [1, 'discarded'],
          [0, 'dead'],
        ])
      }),
    )

    if (options.durable)
      it(
        'outlive a restart, replays too',
        over(async scene => {
          await twoDead(scene)
          const [, oldest] = await scene.engine.letters.list({ limit: 10 })
          await scene.engine.letters.replay([oldest!.letter], BY)
          await scene.members.closeAll()
          const again = await scene.under.reopen!()
          assert.deepEqual(await statesOf(again), [
            [1, 'dead'],
            [0, 'replayed'],
          ])
          await again.append([batch('demand', 0, ['later'])])
          const lease = await replaying(again, new Members(again))
          assert.equal((await lease.fetch(REPLAYED, 0, 1_000))?.count, 1)
        }),
      )
  })
}
