import assert from 'node:assert/strict'
import { mint } from '../envelope/data-id.ts'
import type { AppendBatch, RecordBatch } from '../stream/stream.ts'
import { AGAIN, type AgentVersion, COPY, DEAD, DONE, FRESH, type MarkBatch, type Trace, type TraceRecord } from '../trace/trace.ts'
import { eventually, type TestFramework, type UnderTest } from './framework.ts'
import { refused } from './refusal.ts'
import { batch, dataOf, idsOf, texts } from './suite-data.ts'

export interface TraceSuiteOptions {
  /** Opens an empty trace that knows the topics `demand` (two partitions) and `prediction`; called for each test. */
  readonly open: () => Promise<UnderTest<Trace>>
  /**
   * Puts data where an agent would fetch them: an engine appends to its stream and reads the batch back; a trace that knows no stream
   * makes a batch of them at the offset that comes next.
   */
  readonly place: (trace: Trace, batch: AppendBatch) => Promise<RecordBatch>
  /** `open` gives a `reopen`: marks outlive a stop. */
  readonly durable: boolean
  /** It recognises copies by their ids. False where the stream refuses copies, and marks are kept by position. */
  readonly recognisesCopies: boolean
  /** It keeps states alone, and times to the second: not who sent a datum, where it is, its parents, nor attempts and reasons. */
  readonly terse?: true
}

const FORECAST: AgentVersion = { name: 'forecast', version: 2 }
const BESIDE: AgentVersion = { name: 'forecast', version: 3 }
const AT_MS = 1_800_000_000_000
const NAMES = new Map([
  [FRESH, 'fresh'],
  [AGAIN, 'again'],
  [DEAD, 'dead'],
  [DONE, 'done'],
  [COPY, 'copy'],
])

/** What every {@link Trace} must keep to, against the real thing. The contract's comments are what it checks. */
export function traceSuite({ describe, it }: TestFramework, name: string, options: TraceSuiteOptions): void {
  const over = (count: number, test: (trace: Trace, placed: RecordBatch, under: UnderTest<Trace>) => Promise<void>) => async () => {
    const under = await options.open()
    try {
      await test(under.subject, await options.place(under.subject, batch('demand', 0, texts('d', count))), under)
    } finally {
      await under.dispose()
    }
  }

  describe(`${name} as a trace: claims`, () => {
    it(
      'of what nobody has claimed are fresh, each agent and version by itself',
      over(4, async (trace, placed) => {
        await states(trace, FORECAST, placed, 'fresh fresh fresh fresh')
        await states(trace, BESIDE, placed, 'fresh fresh fresh fresh')
        await states(trace, { name: 'other', version: 2 }, placed, 'fresh fresh fresh fresh')
      }),
    )

    it(
      'inform and hold nothing back: claimed before is again, never skipped',
      over(3, async (trace, placed) => {
        await trace.claim(FORECAST, placed, placed.first, AT_MS)
        // A claim may become visible a moment later: what it holds off is nothing.
        await eventually('a claim shows to the next', async () => {
          const seen = await claim(trace, FORECAST, placed)
          assert.match(seen, /^((fresh|again) ?){3}$/)
          return seen === 'again again again' || undefined
        })
        await states(trace, BESIDE, placed, 'fresh fresh fresh')
      }),
    )

    it(
      'cover the batch from an offset on, and answer from there',
      over(5, async (trace, placed) => {
        await trace.mark(FORECAST, marks(placed, { done: [[3, 4]] }))
        assert.equal(await claim(trace, FORECAST, placed, 2), 'fresh done fresh')
      }),
    )

    it(
      'skip what is done or dead, and nothing else',
      over(5, async (trace, placed) => {
        await trace.mark(FORECAST, marks(placed, { done: [[0, 2]], dead: [3] }))
        await states(trace, FORECAST, placed, 'done done fresh dead fresh')
        await states(trace, BESIDE, placed, 'fresh fresh fresh fresh fresh')
      }),
    )

    if (options.recognisesCopies)
      it(
        'recognise a copy: in the same batch, and of what is done or dead elsewhere',
        over(1, async trace => {
          const [id, second] = [mint(Date.now()), mint(Date.now())]
          const twice = await options.place(
            trace,
            batch('demand', 1, [
              { text: 'x', id },
              { text: 'y', id: second },
              { text: 'x', id },
            ]),
          )
          assert.equal(await claim(trace, FORECAST, twice), 'fresh fresh copy')
          await trace.mark(FORECAST, marks(twice, { done: [[0, 1]], dead: [1] }))
          const later = await options.place(trace, batch('demand', 1, [{ text: 'x', id }, { text: 'y', id: second }, 'new']))
          assert.equal(await claim(trace, FORECAST, later), 'copy copy fresh')
        }),
      )
  })

  describe(`${name} as a trace: marks`, () => {
    it(
      'only rise: dead becomes done, done never dead, neither ever claimed',
      over(3, async (trace, placed) => {
        await trace.mark(FORECAST, marks(placed, { done: [[0, 1]], dead: [1] }))
        await trace.mark(FORECAST, marks(placed, { done: [[1, 2]], dead: [0] }))
        await trace.claim(FORECAST, placed, placed.first, AT_MS)
        await states(trace, FORECAST, placed, 'done done (fresh|again)')
        await trace.mark(FORECAST, marks(placed, { dead: [2] }))
        await states(trace, FORECAST, placed, 'done done dead')
      }),
    )

    it(
      'late or twice change nothing, also in ranges that overlap',
      over(8, async (trace, placed) => {
        const at = (firstEnd: [number, number]) => marks(placed, { done: [firstEnd] })
        await trace.mark(FORECAST, at([2, 4]))
        await trace.mark(FORECAST, { ...at([2, 4]), finishedMs: AT_MS + 99_000 })
        await trace.mark(FORECAST, at([1, 3]))
        await trace.mark(FORECAST, at([3, 7]))
        await states(trace, FORECAST, placed, 'fresh done done done done done done fresh')
        const record = await found(trace, dataOf(placed)[2]!.id)
        assert.deepEqual(
          record.marks.map(mark => [mark.state, mark.finishedMs]),
          [['done', options.terse ? AT_MS : AT_MS + 5]],
          'The first statement stands, once.',
        )
      }),
    )

    it(
      'may come before any claim, and from many at once',
      over(100, async (trace, placed) => {
        await Promise.all(Array.from({ length: 100 }, (_, i) => trace.mark(FORECAST, marks(placed, { done: [[i, i + 1]] }))))
        await states(trace, FORECAST, placed, Array(100).fill('done').join(' '))
      }),
    )

    if (options.durable)
      it(
        'outlive a restart',
        over(3, async (trace, placed, under) => {
          await trace.mark(FORECAST, marks(placed, { done: [[0, 1]], dead: [2] }))
          const again = await under.reopen!()
          await states(again, FORECAST, placed, 'done (fresh|again) dead')
          const [mark] = (await found(again, dataOf(placed)[2]!.id)).marks
          assert.deepEqual([mark?.state, mark?.reason], ['dead', options.terse ? undefined : 'Error: dead at 2'])
        }),
      )
  })

  describe(`${name} as a trace: where is my datum`, () => {
    it(
      'it was never seen',
      over(1, async trace => {
        assert.equal(await trace.find(mint(Date.now())), undefined)
      }),
    )

    it(
      'it was claimed and is not finished',
      over(2, async (trace, placed) => {
        await trace.claim(FORECAST, placed, placed.first, AT_MS)
        const mark = await eventually('the claim is found', async () => (await trace.find(dataOf(placed)[1]!.id))?.marks[0])
        assert.equal(mark.state, 'claimed')
        assert.deepEqual([mark.name, mark.version, mark.claimedMs], ['forecast', 2, AT_MS])
        assert.equal(mark.finishedMs, undefined)
      }),
    )

    it(
      'one agent has done it, after some attempts, for another it is dead',
      over(4, async (trace, placed) => {
        const offset = placed.first + 1
        await trace.mark(FORECAST, { ...marks(placed, { done: [[0, 4]] }), attempts: [{ offset, attempts: 3 }] })
        await trace.mark(BESIDE, marks(placed, { dead: [1] }))
        const record = await found(trace, dataOf(placed)[1]!.id)
        const [done, dead] = record.marks.toSorted((a, b) => a.version - b.version)
        if (options.terse) {
          assert.deepEqual([record.source, record.parents, record.positions], ['', [], []])
          assert.deepEqual([done?.state, done?.claimedMs, done?.finishedMs, done?.attempts], ['done', AT_MS, AT_MS, 1])
          assert.deepEqual([dead?.state, dead?.reason, dead?.offset], ['dead', undefined, -1])
          return
        }
        assert.deepEqual([record.source, record.createdMs, record.parents], ['suite', 1_483_228_800_000, []])
        assert.ok(
          record.positions.some(at => at.topic === 'demand' && at.partition === 0 && at.offset === offset),
          JSON.stringify(record.positions),
        )
        assert.deepEqual([done?.state, done?.claimedMs, done?.finishedMs, done?.attempts], ['done', AT_MS, AT_MS + 5, 3])
        assert.deepEqual([dead?.state, dead?.reason, dead?.offset], ['dead', 'Error: dead at 1', offset])
      }),
    )

    it(
      options.terse ? 'it does not name what it was derived from' : 'it names what it was derived from',
      over(1, async (trace, placed) => {
        const parents = [dataOf(placed)[0]!.id, mint(Date.now())]
        const derived = await options.place(trace, batch('prediction', 0, [{ text: 'p', parents }]))
        // A trace that knows no stream learns of a datum when it is claimed.
        await trace.claim(FORECAST, derived, derived.first, AT_MS)
        const record = await eventually('the derived datum is found', () => trace.find(dataOf(derived)[0]!.id))
        assert.deepEqual(record.parents, options.terse ? [] : parents)
      }),
    )
  })

  it(
    `${name} as a trace refuses every call after close()`,
    over(1, async (trace, placed) => {
      await trace.close()
      await refused('claim() after close()', 'ENGINE_CLOSED', () => trace.claim(FORECAST, placed, placed.first, AT_MS))
      await refused('mark() after close()', 'ENGINE_CLOSED', () => trace.mark(FORECAST, marks(placed, { done: [[0, 1]] })))
      await refused('find() after close()', 'ENGINE_CLOSED', () => trace.find(dataOf(placed)[0]!.id))
    }),
  )
}

/** Claims a batch and says in words what was known of each datum. */
async function claim(trace: Trace, agent: AgentVersion, placed: RecordBatch, skip = 0): Promise<string> {
  const codes = await trace.claim(agent, placed, placed.first + skip, AT_MS)
  assert.equal(codes.length, placed.count - skip, 'A claim answers for every datum from its offset on.')
  return [...codes].map(code => NAMES.get(code) ?? `code ${code}`).join(' ')
}

async function states(trace: Trace, agent: AgentVersion, placed: RecordBatch, expected: string): Promise<void> {
  const seen = await claim(trace, agent, placed)
  assert.match(seen, new RegExp(`^${expected}$`), `${agent.name}@${agent.version} was told "${seen}", not "${expected}".`)
}

async function found(trace: Trace, id: string): Promise<TraceRecord> {
  const record = await trace.find(id)
  if (record === undefined) assert.fail(`${id} was marked, and is not found.`)
  return record
}

/** Marks on data of a batch, by their index in it. */
function marks(placed: RecordBatch, what: { done?: readonly [number, number][]; dead?: readonly number[] }): MarkBatch {
  const indexes = [
    ...(what.done ?? []).flatMap(([first, end]) => Array.from({ length: end - first }, (_, i) => first + i)),
    ...(what.dead ?? []),
  ]
  return {
    topic: placed.topic,
    partition: placed.partition,
    ids: Buffer.concat(indexes.map(index => idsOf(placed, placed.first + index, placed.first + index + 1))),
    done: (what.done ?? []).map(([first, end]) => ({ first: placed.first + first, end: placed.first + end })),
    dead: (what.dead ?? []).map(index => ({ offset: placed.first + index, reason: `Error: dead at ${index}` })),
    claimedMs: AT_MS,
    finishedMs: AT_MS + 5,
    attempts: [],
  }
}
