import assert from 'node:assert/strict'
import { replayTopic } from '../agents/dead-letter.ts'
import type { Engine } from '../engine/engine.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { rewrite } from '../envelope/rewrite.ts'
import { type Over, twoDead } from './engine-letter-suite.ts'
import type { EngineSuiteOptions } from './engine-suite.ts'
import type { TestFramework } from './framework.ts'
import { Members, placeOf } from './group-member.ts'
import { dataOf, spec } from './suite-data.ts'
import { doneMark, FINISHED_MS, FORECAST, move, unit } from './unit-of-work.ts'

const BY = 'suite'
const REPLAY = replayTopic(FORECAST)
const REPLAYED = { topic: REPLAY, partition: 0 }

/** Dead letters over time: gone through page after page, counted, edited, expired. */
export function engineLetterUpkeepSuite({ describe, it }: TestFramework, name: string, options: EngineSuiteOptions, over: Over): void {
  const textOf = (frame: Uint8Array | undefined) => {
    if (frame === undefined) return undefined
    const cursor = new FrameCursor(frame)
    assert.ok(cursor.next())
    return cursor.dataText
  }

  /** @returns the letter of the first datum. */
  async function edited(engine: Engine, text: string): Promise<number> {
    const [, oldest] = await engine.letters.list({ limit: 10 })
    const frame = (await engine.letters.frame(oldest!.letter))!
    const changed = rewrite(frame, { data: Buffer.from(text), contentType: 'text/plain', key: '' })
    assert.equal(await engine.letters.edit(oldest!.letter, changed, BY), true)
    return oldest!.letter
  }

  describe(`${name}: dead letters over time`, () => {
    it(
      'are gone through by rising number, behind one that was seen last',
      over(async scene => {
        await twoDead(scene)
        const { letters } = scene.engine
        const [newest, oldest] = await letters.list({ limit: 10 })
        const numbers = async (after: number, limit = 10) => (await letters.list({ after, limit })).map(({ letter }) => letter)
        assert.deepEqual(await numbers(0), [oldest!.letter, newest!.letter])
        assert.deepEqual(await numbers(0, 1), [oldest!.letter])
        assert.deepEqual(await numbers(oldest!.letter), [newest!.letter])
        assert.deepEqual(await numbers(newest!.letter), [])
      }),
    )

    it(
      'are counted by agent and state, and found by when they died',
      over(async scene => {
        await twoDead(scene)
        const { letters } = scene.engine
        const [newest] = await letters.list({ limit: 10 })
        await letters.discard([newest!.letter], BY)
        const counts = (await letters.counts()).sort((a, b) => a.state.localeCompare(b.state))
        assert.deepEqual(counts, [
          { agent: FORECAST, state: 'dead', count: 1 },
          { agent: FORECAST, state: 'discarded', count: 1 },
        ])
        assert.equal((await letters.list({ diedBeforeMs: FINISHED_MS, limit: 10 })).length, 0)
        assert.equal((await letters.list({ diedBeforeMs: FINISHED_MS + 1, limit: 10 })).length, 2)
      }),
    )

    it(
      'edited are replayed as they were edited last, under their id; what died stays',
      over(async scene => {
        await twoDead(scene)
        const { engine } = scene
        await edited(engine, 'mended')
        const letter = await edited(engine, 'mended again')
        const [, seen] = await engine.letters.list({ limit: 10 })
        assert.deepEqual([seen!.edited?.times, seen!.edited?.by, seen!.state], [2, BY, 'dead'])
        assert.deepEqual(
          [textOf(await engine.letters.frame(letter)), textOf(await engine.letters.original(letter))],
          ['mended again', '0.0'],
        )
        await engine.letters.replay([letter], BY)
        const [replayed] = dataOf(await engine.read(REPLAY, 0, 0, 100_000))
        assert.deepEqual([replayed?.text, replayed?.id], ['mended again', seen!.dataId])
        assert.equal(textOf(await engine.letters.original(letter)), '0.0')
      }),
    )

    it(
      'are edited while they are dead, and not while their agent may have the datum in hand or after',
      over(async scene => {
        await twoDead(scene)
        const { engine } = scene
        const [newest, oldest] = await engine.letters.list({ limit: 10 })
        const frame = (await engine.letters.frame(oldest!.letter))!
        await engine.letters.replay([oldest!.letter], BY)
        await engine.letters.discard([newest!.letter], BY)
        for (const letter of [oldest!.letter, newest!.letter, 9_999]) assert.equal(await engine.letters.edit(letter, frame, BY), false)
      }),
    )

    it(
      'expire when nobody has come to them: their datum goes, they stay as a count, and nothing brings them back',
      over(async scene => {
        await twoDead(scene)
        const { engine } = scene
        const { letters } = engine
        const [newest, oldest] = await letters.list({ limit: 10 })
        const numbers = [oldest!.letter, newest!.letter]
        await letters.discard([newest!.letter], BY)
        assert.deepEqual(await letters.expire(numbers, FINISHED_MS), [], 'They have not been dead for so long.')
        assert.deepEqual(await letters.expire(numbers, FINISHED_MS + 1), [oldest!.letter], 'What was discarded does not expire.')
        assert.deepEqual(await letters.expire(numbers, FINISHED_MS + 1), [])
        assert.deepEqual(
          (await letters.list({ limit: 10 })).map(({ state }) => state),
          ['discarded', 'expired'],
        )
        assert.equal(await letters.frame(oldest!.letter), undefined)
        assert.equal(await letters.original(oldest!.letter), undefined)
        assert.deepEqual([await letters.replay(numbers, BY), await letters.discard(numbers, BY)], [[], []])
        assert.ok((await engine.find(oldest!.dataId)) !== undefined, 'The datum is in the log still, whatever became of its letter.')
      }),
    )

    it(
      'do not expire while a replay of them is on its way',
      over(async scene => {
        await twoDead(scene)
        const { engine, members } = scene
        await engine.ensure([spec(REPLAY)])
        await members.closeAll()
        const lease = await members.join({ name: 'forecast@2', edition: 2 }, ['demand', REPLAY]).lease(3)
        const [, oldest] = await engine.letters.list({ limit: 10 })
        await engine.letters.replay([oldest!.letter], BY)
        assert.deepEqual(await engine.letters.expire([oldest!.letter], FINISHED_MS + 1), [])
        const read = await engine.read(REPLAY, 0, 0, 100_000)
        const { checkpoint } = placeOf(lease, REPLAY)
        await engine.commit(unit(lease, { marks: [doneMark(read, 0, 1)], checkpoints: [move(checkpoint, 1, 0, REPLAYED)] }))
        assert.equal((await engine.letters.list({ letters: [oldest!.letter], limit: 1 }))[0]?.state, 'done')
      }),
    )

    if (options.durable)
      it(
        'outlive a restart, edits too',
        over(async scene => {
          await twoDead(scene)
          const letter = await edited(scene.engine, 'mended')
          const [newest] = await scene.engine.letters.list({ limit: 1 })
          await scene.engine.letters.expire([newest!.letter], FINISHED_MS + 1)
          await scene.members.closeAll()
          const again = await scene.under.reopen!()
          assert.equal(textOf(await again.letters.frame(letter)), 'mended')
          assert.deepEqual(
            (await again.letters.list({ limit: 10 })).map(({ state }) => state),
            ['expired', 'dead'],
          )
          await new Members(again).closeAll()
        }),
      )
  })
}
