import assert from 'node:assert/strict'
import { replayTopic } from '../agents/dead-letter.ts'
import { mint, parseId } from '../envelope/data-id.ts'
import { FrameWriter } from '../envelope/frame.ts'
import type { AppendBatch, RecordBatch } from '../stream/stream.ts'
import {
  AGAIN,
  type AgentVersion,
  COPY,
  DEAD,
  DONE,
  FRESH,
  type MarkBatch,
  OTHER_SOURCE,
  SAME_SOURCE,
  type SharedTrace,
  type Trace,
  UNKNOWN,
} from '../trace/trace.ts'
import { cacheStoreSuite } from './cache-store-suite.ts'
import type { TestFramework, UnderTest } from './framework.ts'
import { refused } from './refusal.ts'
import { batch, dataOf, type Sample, texts } from './suite-data.ts'

export interface SharedTraceSuiteOptions {
  /** Opens an empty trace; called for each test. */
  readonly open: () => Promise<UnderTest<SharedTrace>>
  /** As in the trace's own suite: it keeps states alone. */
  readonly terse?: true
}

const FORECAST: AgentVersion = { name: 'forecast', version: 2 }
const AT_MS = 1_800_000_000_000

/** What a {@link SharedTrace} must keep to beyond what every trace does. */
export function sharedTraceSuite(framework: TestFramework, name: string, options: SharedTraceSuiteOptions): void {
  const { describe, it } = framework
  const over = (test: (trace: SharedTrace) => Promise<void>) => async () => {
    const under = await options.open()
    try {
      await test(under.subject)
    } finally {
      await under.dispose()
    }
  }

  describe(`${name} as a shared trace: ids that producers gave`, () => {
    it(
      'are unknown until they are noted, then known by source',
      over(async trace => {
        const id = mint(Date.now())
        const sent = (source: string) => batch('demand', 0, [{ text: 'x', id, supplied: true, source }, 'minted'])
        const known = async (source: string) => [...(await trace.known(sent(source).frames, 2))]
        assert.deepEqual(await known('meter-7'), [UNKNOWN, UNKNOWN])
        await trace.note(placedAt(sent('meter-7'), 0))
        assert.deepEqual(await known('meter-7'), [SAME_SOURCE, UNKNOWN])
        assert.deepEqual(await known('meter-8'), [OTHER_SOURCE, UNKNOWN])
      }),
    )

    it(
      'stay with the source that was noted first',
      over(async trace => {
        const id = mint(Date.now())
        const sent = (source: string) => batch('demand', 0, [{ text: 'x', id, supplied: true, source }])
        await trace.note(placedAt(sent('meter-7'), 0))
        await trace.note(placedAt(sent('meter-8'), 1))
        assert.deepEqual([...(await trace.known(sent('meter-8').frames, 1))], [OTHER_SOURCE])
      }),
    )

    it(
      'are told of a whole batch at once, in its order',
      over(async trace => {
        const supplied = (text: string): Sample => ({ text, id: mint(Date.now()), supplied: true })
        const sent = batch('demand', 0, texts('d', 3000).map(supplied))
        const other = texts('d', 500).map(supplied)
        await trace.note(placedAt(sent, 0))
        const asked = batch('demand', 0, [...other, ...dataOf(placedAt(sent, 0)).map(({ id, text }) => ({ id, text, supplied: true }))])
        const expected = [...Array(500).fill(UNKNOWN), ...Array(3000).fill(SAME_SOURCE)]
        assert.deepEqual([...(await trace.known(asked.frames, 3500))], expected)
      }),
    )
  })

  describe(`${name} as a shared trace: claims`, () => {
    it(
      'of what was noted are fresh, and its position is found',
      over(async trace => {
        const placed = placedAt(batch('demand', 1, [{ text: 'x', id: mint(Date.now()), supplied: true }]), 7)
        await trace.note(placed)
        assert.deepEqual(await claim(trace, FORECAST, placed), [FRESH])
        const record = await trace.find(dataOf(placed)[0]!.id)
        const expected = options.terse ? [] : [{ topic: 'demand', partition: 1, offset: 7, appendedMs: AT_MS }]
        assert.deepEqual(record?.positions, expected)
      }),
    )

    it(
      'count what replaced versions have done, and no other version',
      over(async trace => {
        const placed = placedAt(batch('demand', 0, texts('d', 4)), 0)
        await trace.mark({ name: 'forecast', version: 1 }, marks(placed, 0, 1))
        await trace.mark({ name: 'forecast', version: 1 }, marks(placed, 1, 1, [1]))
        await trace.claim({ name: 'forecast', version: 1 }, placed, 2, AT_MS)
        const taken = { name: 'forecast', version: 3, replaced: [2, 1] }
        assert.deepEqual(await claim(trace, taken, placed), [DONE, DEAD, AGAIN, AGAIN])
        assert.deepEqual(await claim(trace, FORECAST, placed), [FRESH, FRESH, FRESH, FRESH])
        await trace.mark(taken, marks(placed, 0, 4))
        assert.deepEqual(await claim(trace, taken, placed), [DONE, DONE, DONE, DONE])
      }),
    )

    it(
      'skip void positions as copies, and keep the others’ places',
      over(async trace => {
        const writer = new FrameWriter()
        const real = dataOf(placedAt(batch('demand', 0, ['a', 'b']), 0))
        const add = (index: number) => writer.add({ ...PARTS, id: parseId(real[index]!.id) })
        writer.addVoid()
        add(0)
        writer.addVoid()
        writer.addVoid()
        add(1)
        const placed = { topic: 'demand', partition: 0, ...writer.take(), first: 10, appendedMs: AT_MS }
        await trace.note(placed)
        assert.deepEqual(await claim(trace, FORECAST, placed), [COPY, FRESH, COPY, COPY, FRESH])
        await trace.mark(FORECAST, { ...marks(placed, 4, 5), ids: parseId(real[1]!.id) })
        assert.deepEqual([...(await trace.claim(FORECAST, placed, 13, AT_MS))], [COPY, DONE])
      }),
    )

    it(
      'of thousands at once are answered in order, copies among them wherever they stand',
      over(async trace => {
        const samples: Sample[] = texts('d', 3000).map(text => ({ text, id: mint(Date.now()) }))
        const placed = placedAt(batch('demand', 0, [...samples, samples[0]!, samples[2999]!]), 0)
        await trace.mark(FORECAST, marks(placed, 1000, 1500))
        await trace.mark(FORECAST, marks(placed, 1500, 1600, [1550]))
        const expected = Array.from({ length: 3002 }, (_, i) =>
          i >= 3000 ? COPY : i < 1000 || i >= 1600 ? FRESH : i === 1550 ? DEAD : DONE,
        )
        assert.deepEqual(await claim(trace, FORECAST, placed), expected)
      }),
    )
  })

  describe(`${name} as a shared trace: a replay topic`, () => {
    const topic = replayTopic(FORECAST)

    it(
      'skips only what is done: here it is done, elsewhere a copy',
      over(async trace => {
        const placed = placedAt(batch('demand', 0, texts('d', 3)), 0)
        await trace.mark(FORECAST, marks(placed, 0, 1))
        await trace.mark(FORECAST, marks(placed, 1, 3, [1, 2]))
        const again = { ...placed, topic }
        const [done, ...dead] = await claim(trace, FORECAST, again)
        assert.equal(done, COPY)
        for (const state of dead) assert.ok(state === FRESH || state === AGAIN, `Being dead is why it is here; it was told ${state}.`)
        await trace.mark(FORECAST, marks(again, 1, 2))
        assert.deepEqual((await claim(trace, FORECAST, again)).slice(0, 2), [COPY, DONE])
        assert.deepEqual(await claim(trace, FORECAST, placed), [DONE, COPY, DEAD])
      }),
    )
  })

  it(
    `${name} as a shared trace is of one log: bound to another it refuses, and says of which it is`,
    over(async trace => {
      await trace.bind('log-1')
      await trace.bind('log-1')
      const error = await refused('bind() to another log', 'TRACE_MISMATCH', () => trace.bind('log-2'))
      for (const part of ['log-1', 'log-2']) assert.ok(error.message.includes(part), `"${error.message}" must name ${part}.`)
    }),
  )

  it(
    `${name} as a shared trace refuses its own calls too after close()`,
    over(async trace => {
      const placed = placedAt(batch('demand', 0, ['x']), 0)
      await trace.close()
      await refused('bind() after close()', 'ENGINE_CLOSED', () => trace.bind('log-1'))
      await refused('known() after close()', 'ENGINE_CLOSED', () => trace.known(placed.frames, 1))
      await refused('note() after close()', 'ENGINE_CLOSED', () => trace.note(placed))
      await refused('cache.write() after close()', 'ENGINE_CLOSED', () => trace.cache.write('average', []))
      await refused('cache.view() after close()', 'ENGINE_CLOSED', () => trace.cache.view('average'))
    }),
  )

  cacheStoreSuite(framework, name, async () => {
    const under = await options.open()
    return { subject: under.subject.cache, dispose: () => under.dispose() }
  })
}

/** For the trace's own suite: places data by noting them, each partition's one after the other. */
export function placingByNote(): (trace: Trace, batch: AppendBatch) => Promise<RecordBatch> {
  const next = new WeakMap<Trace, Map<string, number>>()
  return async (trace, appended) => {
    const offsets = next.get(trace) ?? new Map<string, number>()
    next.set(trace, offsets)
    const place = `${appended.topic}/${appended.partition}`
    const placed = placedAt(appended, offsets.get(place) ?? 0)
    offsets.set(place, placed.first + placed.count)
    // Every trace placed in so is shared: its stream is elsewhere.
    await (trace as SharedTrace).note(placed)
    return placed
  }
}

const PARTS = {
  ...{ idAt: 0, supplied: false, source: Buffer.from('suite'), createdMs: AT_MS, contentType: 'text/plain', type: '', key: '' },
  ...{ parents: new Uint8Array(0), data: 'x' },
}

function placedAt(appended: AppendBatch, first: number): RecordBatch {
  return { ...appended, first, appendedMs: AT_MS }
}

async function claim(trace: SharedTrace, agent: AgentVersion & { replaced?: readonly number[] }, placed: RecordBatch): Promise<number[]> {
  return [...(await trace.claim(agent, placed, placed.first, AT_MS))]
}

/** Marks on [from, to) of a batch, by index: done but for those that are dead. */
function marks(placed: RecordBatch, from: number, to: number, dead: readonly number[] = []): MarkBatch {
  const all = dataOf(placed)
  const alive = Array.from({ length: to - from }, (_, i) => from + i).filter(index => !dead.includes(index))
  return {
    topic: placed.topic,
    partition: placed.partition,
    done: alive.map(index => ({ first: placed.first + index, end: placed.first + index + 1 })),
    dead: dead.map(index => ({ offset: placed.first + index, reason: `Error: dead at ${index}` })),
    claimedMs: AT_MS,
    finishedMs: AT_MS + 5,
    attempts: [],
    ids: Buffer.concat([...alive, ...dead].map(index => parseId(all[index]!.id))),
  }
}
