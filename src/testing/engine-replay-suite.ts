import assert from 'node:assert/strict'
import { replayTopic } from '../agents/dead-letter.ts'
import { type Fates, NO_FATES } from '../agents/replay.ts'
import type { Engine, UnitOfWork } from '../engine/engine.ts'
import { FrameCursor } from '../envelope/frame.ts'
import type { Lease } from '../stream/stream.ts'
import { COPY, DONE, FRESH } from '../trace/trace.ts'
import { type Over, twoDead } from './engine-letter-suite.ts'
import type { EngineScene, EngineSuiteOptions } from './engine-suite.ts'
import { type TestFramework, within } from './framework.ts'
import { type Members, placeOf } from './group-member.ts'
import { refused } from './refusal.ts'
import { batch, dataOf, spec } from './suite-data.ts'
import { CLAIMED_MS, DEMAND, deadMark, doneMark, FORECAST, letterOf, move, unit } from './unit-of-work.ts'

const LATE = { name: 'late', version: 1 }
const REPLAY = replayTopic(LATE)
const REPLAYED = { topic: REPLAY, partition: 0 }
const ALL = [{ first: 0, end: 5 }]

/** Data that an agent is given again, or for the first time where it began behind them. */
export function engineReplaySuite({ describe, it }: TestFramework, name: string, options: EngineSuiteOptions, over: Over): void {
  /** An agent that began behind the five data of each partition. */
  async function late(engine: Engine, members: Members): Promise<Lease> {
    await engine.ensure([spec(REPLAY)])
    return members.join({ name: 'late@1', edition: 1 }, ['demand', REPLAY], 'latest').lease(3)
  }

  const lateUnit = (lease: Lease, what: Partial<UnitOfWork>) => unit(lease, { agent: LATE, ...what })
  const fates = (some: Partial<Fates>): Fates => ({ ...NO_FATES, ...some })

  /** The agent does what is in its replay topic from an offset on. */
  async function doAll(engine: Engine, lease: Lease, from: number): Promise<void> {
    const read = await engine.read(REPLAY, 0, from, 100_000)
    const end = read.first + read.count
    const before = { ...placeOf(lease, REPLAY).checkpoint, offset: from, done: from }
    await engine.commit(lateUnit(lease, { marks: [doneMark(read, from, end)], checkpoints: [move(before, end, 0, REPLAYED)] }))
  }

  describe(`${name}: a replay of data`, () => {
    it(
      'gives an agent what lies before its beginning: in order, with ids, key and the topic it is from, and wakes it',
      over(async ({ engine, members }) => {
        const lease = await late(engine, members)
        const fetching = lease.fetch(REPLAYED, 0, 100_000)
        const given = await engine.replay(LATE, DEMAND, [
          { first: 0, end: 1 },
          { first: 2, end: 4 },
        ])
        assert.deepEqual(given, { fates: fates({ replayed: 3 }), next: 4, topic: REPLAY, end: 3 })
        const read = await within('fetch() wakes for a replay', fetching)
        const originals = dataOf(await engine.read('demand', 0, 0, 100_000))
        assert.deepEqual(
          dataOf(await engine.read(REPLAY, 0, 0, 100_000)).map(({ text, id }) => [text, id]),
          [0, 2, 3].map(offset => [originals[offset]!.text, originals[offset]!.id]),
        )
        const cursor = new FrameCursor(read!.frames)
        assert.deepEqual([cursor.next(), cursor.type], [true, 'demand'])
        assert.deepEqual([...(await engine.claim(LATE, read!, read!.first, CLAIMED_MS))].slice(0, 1), [FRESH])
      }),
    )

    it(
      'leaves out what the agent has done, what is in its dead letters, what it comes to by itself, and what is gone',
      over(async scene => {
        await twoDead(scene)
        const { engine, lease } = scene
        const read = await engine.read('demand', 0, 0, 100_000)
        const { checkpoint } = placeOf(lease, 'demand')
        const from = { ...checkpoint, offset: 2, dead: 2 }
        await engine.commit(unit(lease, { marks: [doneMark(read, 2, 3)], checkpoints: [move(from, 3)] }))
        await engine.ensure([spec(replayTopic(FORECAST))])
        await scene.members.closeAll()
        await scene.members.join({ name: 'forecast@2', edition: 2 }, ['demand', replayTopic(FORECAST)]).lease(3)
        const given = await engine.replay(FORECAST, DEMAND, [{ first: 0, end: 7 }])
        assert.deepEqual(given.fates, fates({ dead: 2, done: 1, ahead: 2, gone: 2 }))
        assert.deepEqual([given.next, given.end], [7, 0])
      }),
    )

    it(
      'that is asked for twice takes effect once',
      over(async ({ engine, members }) => {
        const lease = await late(engine, members)
        await engine.replay(LATE, DEMAND, ALL)
        const twice = await engine.replay(LATE, DEMAND, ALL)
        if (engine.capabilities.holdsCopies) {
          const read = await engine.read(REPLAY, 0, 0, 100_000)
          const states = [...(await engine.claim(LATE, read, 0, CLAIMED_MS))]
          assert.deepEqual(states, [...Array(5).fill(FRESH), ...Array(5).fill(COPY)])
        } else assert.deepEqual(twice.fates, fates({ waiting: 5 }))
        await doAll(engine, lease, 0)
        const again = await engine.replay(LATE, DEMAND, ALL)
        if (engine.capabilities.holdsCopies) {
          const read = await engine.read(REPLAY, 0, 10, 100_000)
          for (const state of await engine.claim(LATE, read, 10, CLAIMED_MS)) assert.ok(state === COPY || state === DONE)
        } else assert.deepEqual(again.fates, fates({ done: 5 }))
      }),
    )

    it(
      'of data that fail makes dead letters of them, which are replayed as such from then on',
      over(async ({ engine, members }) => {
        const lease = await late(engine, members)
        await engine.replay(LATE, DEMAND, [{ first: 1, end: 3 }])
        const read = await engine.read(REPLAY, 0, 0, 100_000)
        const before = placeOf(lease, REPLAY).checkpoint
        await engine.commit(
          lateUnit(lease, {
            letters: [letterOf(read, 0, 'no model', LATE)],
            marks: [deadMark(read, 0, 'no model')],
            checkpoints: [move(before, 1, 1, REPLAYED)],
          }),
        )
        const [letter] = await engine.letters.list({ limit: 10 })
        const [original] = dataOf(await engine.read('demand', 0, 0, 100_000)).slice(1)
        assert.deepEqual([letter!.agent, letter!.dataId, letter!.state], [LATE, original!.id, 'dead'])
        const again = await engine.replay(LATE, DEMAND, [{ first: 1, end: 2 }])
        assert.deepEqual(again.fates, fates({ dead: 1 }))
        assert.deepEqual(await engine.letters.replay([letter!.letter], 'suite'), [letter!.letter])
        const second = await engine.read(REPLAY, 0, 2, 100_000)
        assert.deepEqual(
          dataOf(second, 2).map(({ id }) => id),
          [original!.id],
        )
        const whole = await engine.read(REPLAY, 0, 1, 100_000)
        const from = { ...before, offset: 1, dead: 1 }
        await engine.commit(lateUnit(lease, { marks: [doneMark(whole, 1, 3)], checkpoints: [move(from, 3, 0, REPLAYED)] }))
        assert.equal((await engine.letters.list({ limit: 10 }))[0]?.state, 'done')
        assert.deepEqual((await engine.replay(LATE, DEMAND, [{ first: 1, end: 2 }])).fates, fates({ done: 1 }))
      }),
    )

    it(
      'is refused for an agent that does not read there, and puts nothing anywhere',
      over(async ({ engine, members }) => {
        await late(engine, members)
        const unknown = { name: 'unknown', version: 1 }
        await refused('a replay for no agent', 'AGENT_UNKNOWN', () => engine.replay(unknown, DEMAND, ALL))
        await refused('a replay of a topic that it does not read', 'AGENT_UNKNOWN', () =>
          engine.replay(LATE, { topic: 'prediction', partition: 0 }, ALL),
        )
        assert.equal((await engine.bounds(REPLAY))[0]?.next, 0)
      }),
    )

    it(
      'for a version that was replaced goes to the one that has its place; what the old one has done is done',
      over(async ({ engine, members }) => {
        const lease = await late(engine, members)
        await engine.replay(LATE, DEMAND, [{ first: 0, end: 2 }])
        await doAll(engine, lease, 0)
        await members.closeAll()
        const next = { name: 'late', version: 2 }
        await engine.ensure([spec(replayTopic(next))])
        await members.join({ name: 'late@2', edition: 2, replaces: 'late@1' }, ['demand', replayTopic(next)], 'latest').lease(3)
        const given = await engine.replay(LATE, DEMAND, [{ first: 0, end: 3 }])
        assert.equal(given.topic, replayTopic(next))
        if (!engine.capabilities.holdsCopies) assert.deepEqual(given.fates, fates({ done: 2, replayed: 1 }))
      }),
    )

    if (options.transactional)
      it(
        'that waits when its version is replaced goes on with the next',
        over(async ({ engine, members }) => {
          await late(engine, members)
          await engine.replay(LATE, DEMAND, [{ first: 1, end: 3 }])
          await members.closeAll()
          const next = { name: 'late', version: 2 }
          await engine.ensure([spec(replayTopic(next))])
          await members.join({ name: 'late@2', edition: 2, replaces: 'late@1' }, ['demand', replayTopic(next)], 'latest').lease(3)
          assert.deepEqual(
            dataOf(await engine.read(replayTopic(next), 0, 0, 100_000)).map(({ text }) => text),
            ['0.1', '0.2'],
          )
        }),
      )

    it(
      'of more than one call takes says where it ended, and goes on from there',
      over(async ({ engine, members }: EngineScene) => {
        const large = Array.from({ length: 40 }, (_, i) => `${i}:${'x'.repeat(200_000)}`)
        for (const text of large) await engine.append([batch('demand', 0, [text])])
        await late(engine, members)
        let replayed = 0
        let calls = 0
        for (let next = 0; next < 45; calls++) {
          const given = await engine.replay(LATE, DEMAND, [{ first: next, end: 45 }])
          assert.ok(given.next > next, 'A call looked at nothing.')
          replayed += given.fates.replayed
          next = given.next
        }
        assert.ok(calls > 1)
        assert.deepEqual([replayed, (await engine.bounds(REPLAY))[0]?.next], [45, 45])
      }),
    )

    if (options.durable)
      it(
        'is remembered across a restart: what it did is done, and what waits is handled then',
        over(async scene => {
          const lease = await late(scene.engine, scene.members)
          await scene.engine.replay(LATE, DEMAND, [{ first: 0, end: 2 }])
          await doAll(scene.engine, lease, 0)
          await scene.engine.replay(LATE, DEMAND, [{ first: 2, end: 3 }])
          await scene.members.closeAll()
          const again = await scene.under.reopen!()
          assert.equal((await again.bounds(REPLAY))[0]?.next, 3)
          const given = await again.replay(LATE, DEMAND, [{ first: 0, end: 4 }])
          if (!again.capabilities.holdsCopies) assert.deepEqual(given.fates, fates({ done: 2, waiting: 1, replayed: 1 }))
        }),
      )
  })
}
