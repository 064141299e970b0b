import assert from 'node:assert/strict'
import type { Engine } from '../engine/engine.ts'
import type { Checkpoint, Group, Lease } from '../stream/stream.ts'
import { engineLetterSuite } from './engine-letter-suite.ts'
import { engineLetterUpkeepSuite } from './engine-letter-upkeep-suite.ts'
import { engineReplaySuite } from './engine-replay-suite.ts'
import { type TestFramework, type UnderTest, within } from './framework.ts'
import { Members, placeOf } from './group-member.ts'
import { refused } from './refusal.ts'
import { batch, dataOf, readAll, spec, texts } from './suite-data.ts'
import { CLAIMED_MS, cacheWrite, DEMAND, deadMark, doneMark, FINISHED_MS, FORECAST, letterOf, move, unit } from './unit-of-work.ts'

export interface EngineSuiteOptions {
  /** Opens an empty engine; called for each test. */
  readonly open: () => Promise<UnderTest<Engine>>
  /** `open` gives a `reopen`: what is committed outlives a stop. */
  readonly durable: boolean
  /** A unit of work is one transaction: one that is refused has left nothing at all. False where only the order is promised. */
  readonly transactional: boolean
  /** The trace keeps reasons, attempts, and where outputs are. Where false it says what became of a datum, and no more. */
  readonly detailed: boolean
}

/** What a test of an engine is given: a group with its lease on five data in each of two partitions. */
export interface EngineScene {
  readonly engine: Engine
  readonly members: Members
  readonly lease: Lease
  /** Where partition 0 stands at first. */
  readonly start: Checkpoint
  readonly under: UnderTest<Engine>
}

export const GROUP: Group = { name: 'forecast@2', edition: 2 }
export const OPERATOR = 'suite'

/** What every {@link Engine} must keep to beyond its stream and its trace: that what a batch did takes effect once, and together. */
export function engineSuite({ describe, it }: TestFramework, name: string, options: EngineSuiteOptions): void {
  const over = (test: (scene: EngineScene) => Promise<void>) => async () => {
    const under = await options.open()
    const engine = under.subject
    const members = new Members(engine)
    try {
      await engine.ensure([spec('demand', 2), spec('prediction', 2)])
      for (const partition of [0, 1]) await engine.append([batch('demand', partition, texts(`${partition}.`, 5))])
      const lease = await members.join(GROUP, ['demand']).lease(2)
      await test({ engine, members, lease, start: placeOf(lease, 'demand', 0).checkpoint, under })
      await members.closeAll()
    } finally {
      await under.dispose()
    }
  }

  /** A unit of work with something of everything: two data done, with an output each, and one dead. */
  async function everything(engine: Engine, lease: Lease, start: Checkpoint) {
    const read = await engine.read('demand', 0, 0, 100_000)
    const [parent] = dataOf(read)
    const outputs = [batch('prediction', 1, [{ text: 'p0', parents: [parent!.id] }, 'p1'])]
    const snapshots = [{ ...DEMAND, group: GROUP.name, offset: 3, bytes: Buffer.from('folded') }]
    return {
      parent: parent!.id,
      output: dataOf({ ...outputs[0]!, first: 0, appendedMs: 0 })[0]!.id,
      work: unit(lease, {
        outputs,
        letters: [letterOf(read, 2, 'no model')],
        marks: [doneMark(read, 0, 2), deadMark(read, 2, 'no model')],
        cache: [cacheWrite('north', { mean: 1 }, 2)],
        snapshots,
        checkpoints: [move(start, 3, 1)],
      }),
    }
  }

  /** What a look at everything sees of it. */
  async function look(engine: Engine) {
    const read = await engine.read('demand', 0, 0, 100_000)
    const records = await Promise.all(dataOf(read).map(datum => engine.find(datum.id)))
    return {
      outputs: await readAll(engine, 'prediction', 1),
      letters: (await engine.letters.list({ limit: 10 })).map(letter => [letter.offset, letter.state]),
      marks: records.map(record => record?.marks.find(mark => mark.version === FORECAST.version && mark.state !== 'claimed')?.state),
      cache: (await engine.cacheEntry('average', 'north'))?.value,
      snapshot: (await engine.snapshot(GROUP.name, DEMAND))?.offset,
      offset: (await engine.standings()).find(at => at.group === GROUP.name && at.topic === 'demand' && at.partition === 0)?.checkpoint
        .offset,
    }
  }
  const NOTHING = { outputs: [], letters: [], marks: Array(5).fill(undefined), cache: undefined, snapshot: undefined, offset: 0 }
  const ALL = {
    outputs: ['p0', 'p1'],
    letters: [[2, 'dead']],
    marks: ['done', 'done', 'dead', undefined, undefined],
    cache: '{"mean":1}',
    snapshot: 3,
    offset: 3,
  }

  describe(`${name}: a unit of work`, () => {
    it(
      'takes effect in all its parts, to be seen as soon as it is committed',
      over(async ({ engine, lease, start }) => {
        assert.deepEqual(await look(engine), NOTHING)
        await engine.commit((await everything(engine, lease, start)).work)
        assert.deepEqual(await look(engine), ALL)
      }),
    )

    it(
      'wakes those who wait for its outputs',
      over(async ({ engine, members, lease, start }) => {
        const reader = await members.join({ name: 'reader@1', edition: 1 }, ['prediction']).lease(2)
        const fetching = reader.fetch({ topic: 'prediction', partition: 1 }, 0, 1_000)
        await engine.commit((await everything(engine, lease, start)).work)
        const read = await within('fetch() wakes for an output', fetching)
        assert.deepEqual(read && dataOf(read).map(datum => datum.text), ['p0', 'p1'])
      }),
    )

    it(
      'is refused under a lease that has ended, and moves nothing',
      over(async ({ engine, members, lease, start }) => {
        const { work } = await everything(engine, lease, start)
        await members.closeAll()
        await refused('a unit under an ended lease', 'LEASE_LOST', () => engine.commit(work))
        const seen = await look(engine)
        assert.equal(seen.offset, 0)
        if (options.transactional) assert.deepEqual(seen, NOTHING, 'A refused unit left something.')
      }),
    )

    it(
      'is refused when a checkpoint was moved since, and moves nothing',
      over(async ({ engine, lease, start }) => {
        const { work } = await everything(engine, lease, start)
        await lease.commit([move(start, 1)])
        await refused('a unit computed from an offset that has moved on', 'LEASE_LOST', () => engine.commit(work))
        const seen = await look(engine)
        assert.equal(seen.offset, 1)
        if (options.transactional) assert.deepEqual(seen, { ...NOTHING, offset: 1 }, 'A refused unit left something.')
      }),
    )

    it(
      'is committed once: sent again it is refused, and nothing is there twice',
      over(async ({ engine, lease, start }) => {
        const { work } = await everything(engine, lease, start)
        await engine.commit(work)
        await refused('a unit sent again', 'LEASE_LOST', () => engine.commit({ ...work, outputs: [batch('prediction', 1, ['again'])] }))
        const seen = await look(engine)
        if (options.transactional) assert.deepEqual(seen, ALL)
        assert.equal(seen.offset, 3)
      }),
    )

    it(
      'does not disturb another that is committed with it',
      over(async ({ engine, lease, start }) => {
        const wrong = unit(lease, { outputs: [batch('prediction', 0, ['wrong'])], checkpoints: [{ ...move(start, 5), from: 4 }] })
        const { work } = await everything(engine, lease, start)
        const [first, second] = await Promise.allSettled([engine.commit(wrong), engine.commit(work)])
        assert.deepEqual([first.status, second.status], ['rejected', 'fulfilled'])
        assert.deepEqual(await look(engine), ALL)
        if (options.transactional) assert.deepEqual(await readAll(engine, 'prediction', 0), [])
      }),
    )

    it(
      'follows the one before it, when several of one lease are under way',
      over(async ({ engine, lease, start }) => {
        const read = await engine.read('demand', 0, 0, 100_000)
        const units = [1, 2, 3, 4, 5].map(to =>
          unit(lease, {
            outputs: [batch('prediction', 0, [`${to}`])],
            marks: [doneMark(read, to - 1, to)],
            checkpoints: [move(move(start, to - 1).checkpoint, to)],
          }),
        )
        await within('five units are committed', Promise.all(units.map(work => engine.commit(work))))
        assert.deepEqual(await readAll(engine, 'prediction', 0), ['1', '2', '3', '4', '5'])
        assert.equal((await look(engine)).offset, 5)
      }),
    )

    it(
      'may hold completions beyond the offset, which stays until what is before them is finished',
      over(async ({ engine, lease, start }) => {
        const read = await engine.read('demand', 0, 0, 100_000)
        await engine.commit(unit(lease, { marks: [doneMark(read, 2, 4)] }))
        assert.deepEqual((await look(engine)).marks, [undefined, undefined, 'done', 'done', undefined])
        assert.equal((await look(engine)).offset, 0)
        await engine.commit(unit(lease, { marks: [doneMark(read, 0, 2)], checkpoints: [move(start, 4)] }))
        assert.equal((await look(engine)).offset, 4)
      }),
    )
  })

  describe(`${name}: the trace of a unit of work`, () => {
    it(
      'names where a datum’s outputs are, and an output its parents',
      over(async ({ engine, lease, start }) => {
        const { work, parent, output } = await everything(engine, lease, start)
        await engine.commit(work)
        const done = (await engine.find(parent))?.marks[0]
        if (!options.detailed) {
          assert.deepEqual([done?.state, done?.outputs], ['done', []])
          return
        }
        assert.deepEqual([done?.state, done?.claimedMs, done?.finishedMs], ['done', CLAIMED_MS, FINISHED_MS])
        const ranges = done?.outputs.filter(range => range.topic === 'prediction' && range.partition === 1) ?? []
        assert.ok(
          ranges.some(range => range.first <= 0 && range.end >= 1),
          `Offset 0 of prediction/1 is not in ${JSON.stringify(done?.outputs)}.`,
        )
        const derived = await engine.find(output)
        assert.deepEqual(derived?.parents, [parent])
        assert.ok(derived?.positions.some(at => at.topic === 'prediction' && at.partition === 1 && at.offset === 0))
      }),
    )

    it(
      'gives the reason of what is dead, and how often it was tried',
      over(async ({ engine, lease, start }) => {
        await engine.commit((await everything(engine, lease, start)).work)
        const dead = dataOf(await engine.read('demand', 0, 0, 100_000))[2]!
        const mark = (await engine.find(dead.id))?.marks[0]
        if (options.detailed) assert.deepEqual([mark?.state, mark?.reason, mark?.attempts, mark?.offset], ['dead', 'no model', 5, 2])
        else assert.deepEqual([mark?.state, mark?.reason], ['dead', undefined])
      }),
    )
  })

  describe(`${name}: the cache`, () => {
    it(
      'rises only: a value of less data, or of the same, replaces none of more',
      over(async ({ engine, lease }) => {
        const write = (value: unknown, offset: number, partition = 0) =>
          engine.commit(unit(lease, { cache: [cacheWrite('north', value, offset, partition)] }))
        await write('of 3', 3)
        const before = await engine.cacheEntry('average', 'north')
        await write('of 2', 2)
        await write('of 3 again', 3)
        assert.deepEqual(
          await engine.cacheEntry('average', 'north'),
          before,
          'A value that is not newer was written, or moved the revision.',
        )
        await write('of 4', 4)
        const after = await engine.cacheEntry('average', 'north')
        assert.equal(after?.value, '"of 4"')
        assert.ok(after.revision > before!.revision, 'An entity tag must change with its value.')
        await write('of another partition', 1, 1)
        assert.equal((await engine.cacheEntry('average', 'north'))?.value, '"of another partition"')
      }),
    )

    it(
      'lists every entry, and says where there is none',
      over(async ({ engine, lease }) => {
        assert.equal(await engine.cache('average'), undefined)
        assert.equal(await engine.cacheEntry('average', 'north'), undefined)
        await engine.commit(
          unit(lease, { cache: [cacheWrite('north', 1, 1), cacheWrite('süd __proto__', 2, 2), cacheWrite('north', 3, 3)] }),
        )
        const view = await engine.cache('average')
        assert.deepEqual(view?.entries.map(entry => [entry.key, entry.value]).sort(), [
          ['north', '3'],
          ['süd __proto__', '2'],
        ])
        assert.equal(view?.revision, Math.max(...(view?.entries ?? []).map(entry => entry.revision)))
        assert.equal(await engine.cacheEntry('average', 'west'), undefined)
      }),
    )
  })

  describe(`${name}: snapshots`, () => {
    it(
      'are a group’s own in each partition, the latest kept',
      over(async ({ engine, lease, start }) => {
        const snapshot = (offset: number, bytes: Uint8Array) => ({ ...DEMAND, group: GROUP.name, offset, bytes })
        assert.equal(await engine.snapshot(GROUP.name, DEMAND), undefined)
        await engine.commit(unit(lease, { snapshots: [snapshot(2, Buffer.from([0, 255]))], checkpoints: [move(start, 2)] }))
        await engine.commit(
          unit(lease, { snapshots: [snapshot(4, Buffer.alloc(1_300_000, 7))], checkpoints: [move(move(start, 2).checkpoint, 4)] }),
        )
        const kept = await engine.snapshot(GROUP.name, DEMAND)
        assert.equal(kept?.offset, 4)
        assert.equal(Buffer.compare(Buffer.from(kept.bytes), Buffer.alloc(1_300_000, 7)), 0)
        assert.equal(await engine.snapshot(GROUP.name, { ...DEMAND, partition: 1 }), undefined)
        assert.equal(await engine.snapshot('other@1', DEMAND), undefined)
      }),
    )
  })

  describe(`${name}: standings`, () => {
    it(
      'add up: what lies between first and offset is done, dead, duplicate or lost',
      over(async ({ engine, members, lease, start }) => {
        await engine.commit((await everything(engine, lease, start)).work)
        await lease.commit([{ ...DEMAND, partition: 1, from: 0, checkpoint: { ...start, offset: 5, done: 2, duplicate: 2, lost: 1 } }])
        const standings = (await engine.standings()).filter(at => at.group === GROUP.name)
        assert.deepEqual(
          standings.map(at => [at.topic, at.partition, at.checkpoint.offset, at.first, at.next]),
          [
            ['demand', 0, 3, 0, 5],
            ['demand', 1, 5, 0, 5],
          ],
        )
        for (const { checkpoint: c } of standings) assert.equal(c.offset - c.first, c.done + c.dead + c.duplicate + c.lost)
        const [behind, atEnd] = standings
        assert.ok((behind?.oldestPendingMs ?? 0) > 0, 'What waits says since when.')
        assert.equal(atEnd?.oldestPendingMs, undefined)
        await members.join({ name: 'forecast@3', edition: 3, replaces: GROUP.name }, ['demand']).lease(2)
        const replaced = (await engine.standings()).filter(at => at.group === GROUP.name)
        assert.deepEqual(
          replaced.map(at => [at.checkpoint.offset, at.replacedBy]),
          [
            [3, 'forecast@3'],
            [5, 'forecast@3'],
          ],
        )
      }),
    )
  })

  engineLetterSuite({ describe, it }, name, options, over)
  engineLetterUpkeepSuite({ describe, it }, name, options, over)
  engineReplaySuite({ describe, it }, name, options, over)

  describe(`${name}: the end`, () => {
    if (options.durable)
      it(
        'keeps everything that a unit committed across a restart',
        over(async ({ engine, members, lease, start, under }) => {
          await engine.commit((await everything(engine, lease, start)).work)
          await members.closeAll()
          const again = await under.reopen!()
          assert.deepEqual(await look(again), ALL)
          const renewed = new Members(again)
          assert.equal(placeOf(await renewed.join(GROUP, ['demand']).lease(2), 'demand', 0).checkpoint.offset, 3)
          await renewed.closeAll()
        }),
      )

    it(
      'refuses every call after close()',
      over(async ({ engine, lease, start }) => {
        const { work } = await everything(engine, lease, start)
        await engine.close()
        await refused('commit() after close()', ['ENGINE_CLOSED', 'LEASE_LOST'], () => engine.commit(work))
        await refused('snapshot() after close()', 'ENGINE_CLOSED', () => engine.snapshot(GROUP.name, DEMAND))
        await refused('cache() after close()', 'ENGINE_CLOSED', () => engine.cache('average'))
        await refused('cacheEntry() after close()', 'ENGINE_CLOSED', () => engine.cacheEntry('average', 'north'))
        await refused('standings() after close()', 'ENGINE_CLOSED', () => engine.standings())
        await refused('letters.list() after close()', 'ENGINE_CLOSED', () => engine.letters.list({ limit: 1 }))
        await refused('letters.frame() after close()', 'ENGINE_CLOSED', () => engine.letters.frame(1))
        await refused('letters.replay() after close()', 'ENGINE_CLOSED', () => engine.letters.replay([1], OPERATOR))
        await refused('letters.discard() after close()', 'ENGINE_CLOSED', () => engine.letters.discard([1], OPERATOR))
        await engine.close()
      }),
    )
  })
}
