import { deserialize, serialize } from 'node:v8'
import fc from 'fast-check'
import { hopping, session, type TimeWindow, tumbling } from 'millrace'
import { expect, test } from 'vitest'
import type { OpenWindow } from '../../../src/agents/windows/open-window.ts'
import { MAX_WINDOW_BYTES, OpenWindows, type WindowsOf } from '../../../src/agents/windows/open-windows.ts'
import { readWindowed, windowOutput } from '../../../src/agents/windows/windowed.ts'
import { at, byEnd, type Dated, type Expected, fixedWindows, sessions } from './reference.ts'

const BASE_MS = Date.UTC(2026, 0, 1)

/** What is put out of a window: the numbers of its data. */
function told(window: OpenWindow): Expected {
  const { key, startMs, endMs, ...content } = readWindowed(JSON.parse(windowOutput(window, Buffer.alloc(6), false).text))
  if (!('data' in content)) throw new TypeError('It has its data.')
  return { key, startMs, endMs, of: content.data.map(datum => (datum as Dated).n) }
}

/** Folds a log, with a snapshot and what is read of it in between wherever `cuts` says. */
function fold(window: TimeWindow, log: readonly Dated[], cuts: ReadonlySet<number> = new Set()) {
  const of: WindowsOf = { window, by: datum => (datum as Dated).key, state: undefined }
  let windows = new OpenWindows(of)
  const closed: Expected[] = []
  const late: number[] = []
  for (const [i, datum] of log.entries()) {
    if (cuts.has(i)) windows = OpenWindows.load(of, deserialize(serialize(windows.save())))
    const taken = windows.take(datum, at(datum.createdMs))
    closed.push(...taken.closed.map(told))
    if (taken.refusal !== undefined) late.push(datum.n)
  }
  return { closed, late: late.sort((a, b) => a - b), left: windows }
}

const logs = (jitterMs: number) =>
  fc
    .array(
      fc.record({
        key: fc.constantFrom('a', 'b', 'c'),
        stepMs: fc.integer({ min: 0, max: 4_000 }),
        backMs: fc.integer({ min: 0, max: jitterMs }),
      }),
      {
        maxLength: 60,
      },
    )
    .map(steps => {
      let nowMs = BASE_MS
      return steps.map(({ key, stepMs, backMs }, n): Dated => {
        nowMs += stepMs
        return { n, key, createdMs: nowMs - backMs }
      })
    })
const cuts = fc.array(fc.nat({ max: 60 }), { maxLength: 5 }).map(list => new Set(list))

test.each([
  ['tumbling', tumbling('10s', { lateness: '5s' }), 10_000, 10_000],
  ['hopping', hopping('10s', { every: '3s', lateness: '5s' }), 10_000, 3_000],
])('%s windows of any log are what the whole log says, late data and snapshots in between included', (_, window, sizeMs, everyMs) => {
  fc.assert(
    fc.property(logs(20_000), cuts, (log, at) => {
      const { closed, late } = fold(window, log, at)
      const expected = fixedWindows(log, sizeMs, everyMs, 5_000)
      expect(closed.toSorted(byEnd)).toEqual(expected.closed)
      expect(late).toEqual(expected.late)
    }),
    { numRuns: 300 },
  )
})

test('sessions of data that come within their lateness do not depend on the order in which they come', () => {
  fc.assert(
    fc.property(logs(5_000), cuts, (log, at) => {
      const { closed, late } = fold(session('4s', { lateness: '5s' }), log, at)
      expect(late).toEqual([])
      expect(closed.toSorted(byEnd)).toEqual(sessions(log, 4_000, 5_000))
    }),
    { numRuns: 300 },
  )
})

test('of data that come at any time each is in one session or late, never in two and never in none', () => {
  fc.assert(
    fc.property(logs(60_000), cuts, (log, at) => {
      const end = { n: -1, key: 'end', createdMs: BASE_MS + 1_000_000 }
      const { closed, late } = fold(session('4s', { lateness: '5s' }), [...log, end], at)
      const all = [...closed.flatMap(({ of }) => of), ...late]
      expect(all.sort((a, b) => a - b)).toEqual(log.map(({ n }) => n))
    }),
    { numRuns: 300 },
  )
})

test('windows that one datum closes come in the order of their end, then of their key', () => {
  const log = ['b', 'a', 'c'].flatMap((key, i) => [10, 1, 25].map((s, j): Dated => ({ n: i * 3 + j, key, createdMs: BASE_MS + s * 1_000 })))
  const { closed } = fold(tumbling('10s', { lateness: '1h' }), [...log, { n: 99, key: 'x', createdMs: BASE_MS + 7_200_000 }])
  expect(closed.map(({ key, startMs }) => [key, (startMs - BASE_MS) / 1_000])).toEqual([
    ...['a', 'b', 'c'].map(key => [key, 0]),
    ...['a', 'b', 'c'].map(key => [key, 10]),
    ...['a', 'b', 'c'].map(key => [key, 20]),
  ])
})

test('a datum from the future is refused, and closes nothing', () => {
  const windows = new OpenWindows({ window: tumbling('10s'), by: () => 'k', state: undefined })
  windows.take({ n: 1 }, at(BASE_MS))
  const { closed, refusal } = windows.take({ n: 2 }, at(BASE_MS + 86_400_000, BASE_MS))
  expect(closed).toEqual([])
  expect(refusal).toMatchObject({ code: 'CREATED_AHEAD', what: expect.stringContaining('86400000 ms after its id was made') })
  expect(windows.take({ n: 3 }, at(BASE_MS + 1)).refusal).toBeUndefined()
})

test('a window takes so many bytes and no more: what does not fit is refused, and the window closes without it', () => {
  const windows = new OpenWindows({ window: tumbling('10s', { lateness: 0 }), by: () => 'k', state: undefined })
  const large = 'x'.repeat(MAX_WINDOW_BYTES / 2)
  expect(windows.take(large, at(BASE_MS)).refusal).toBeUndefined()
  expect(windows.take(large, at(BASE_MS + 1)).refusal).toMatchObject({ code: 'WINDOW_FULL' })
  const { closed } = windows.take('end', at(BASE_MS + 10_000))
  expect(closed.map(({ data }) => data.length)).toEqual([1])
})

/** Bytes of all that one datum has closed, as they are put out. */
function putOutBytes(closed: readonly OpenWindow[], hasState: boolean): number {
  return closed.reduce((sum, window) => {
    const { key, text, parents } = windowOutput(window, Buffer.alloc(6), hasState)
    return sum + key.length + text.length + parents.length
  }, 0)
}

test('open windows hold so much and no more: each datum counts once for each of its windows, for so it is put out', () => {
  const windows = new OpenWindows({ window: hopping('10s', { every: '1s' }), by: datum => String(datum).slice(0, 4), state: undefined })
  const refused: number[] = []
  for (let n = 1_000; n < 1_200; n++) if (windows.take(String(n) + 'x'.repeat(100_000), at(BASE_MS)).refusal !== undefined) refused.push(n)
  // 32 MB of them, 1 MB each.
  expect(refused).toEqual(Array.from({ length: 1_200 - 1_031 }, (_, i) => 1_031 + i))
  const { closed, refusal } = windows.take('end', at(BASE_MS + 3_600_000))
  expect([closed.length, refusal]).toEqual([310, undefined])
  expect(putOutBytes(closed, false)).toBeLessThan(32_000_000)
})

test('windows of long keys and no more than a few data are held by what they are put out as, too', () => {
  const windows = new OpenWindows({ window: hopping('10s', { every: '1s' }), by: datum => String(datum), state: undefined })
  let refusals = 0
  for (let n = 0; n < 2_000; n++) if (windows.take(String(n).padStart(1_000, 'k'), at(BASE_MS)).refusal !== undefined) refusals++
  expect(refusals).toBeGreaterThan(0)
  expect(putOutBytes(windows.take('end', at(BASE_MS + 3_600_000)).closed, false)).toBeLessThan(32_000_000)
})

test('where open windows are full, a datum that closes some of them has their room, and is in its own', () => {
  const of: WindowsOf = { window: tumbling('10s', { lateness: '2s' }), by: datum => String(datum).slice(0, 4), state: undefined }
  const windows = new OpenWindows(of)
  const large = (n: number) => String(n) + 'x'.repeat(100_000)
  for (let n = 1_000; n < 1_400; n++) windows.take(large(n), at(BASE_MS))
  // The next window has begun, and the one before waits for late data: there is no room yet.
  expect(windows.take(large(2_000), at(BASE_MS + 11_000)).refusal).toMatchObject({ code: 'WINDOW_FULL' })
  const { closed, refusal } = windows.take(large(2_000), at(BASE_MS + 12_000))
  expect([closed.length > 300, refusal]).toEqual([true, undefined])
  expect(windows.take('end', at(BASE_MS + 60_000)).closed.map(({ key }) => key)).toEqual(['2000'])
})

test('states count by their bytes, are measured as they grow, and the same from a snapshot', () => {
  const state = { init: () => '', update: (s: unknown, d: unknown) => String(s) + String(d).slice(4) }
  const of: WindowsOf = { window: tumbling('10s', { lateness: 0 }), by: datum => String(datum).slice(0, 4), state }
  const windows = new OpenWindows(of)
  const restored = () => OpenWindows.load(of, deserialize(serialize(windows.save())))
  const refused: number[] = []
  // Each state grows to 160 kB: 200 of them would be the bound.
  for (let round = 0; round < 16; round++) {
    for (let n = 1_000; n < 1_400; n++) {
      const datum = String(n) + 'x'.repeat(10_000)
      const taken = round === 9 && n === 1_200 ? restored().take(datum, at(BASE_MS)) : undefined
      const { refusal } = windows.take(datum, at(BASE_MS))
      if (taken !== undefined) expect(taken.refusal).toEqual(refusal)
      if (refusal !== undefined) refused.push(n)
    }
  }
  expect(refused.length).toBeGreaterThan(0)
  const { closed } = windows.take('end', at(BASE_MS + 60_000))
  expect(closed.length).toBe(400)
  // Measured at 1, 2, 4, 8 … data: in between it may grow to twice as much.
  expect(putOutBytes(closed, true)).toBeLessThan(64_000_000)
})

test('a state is folded for each window by itself, and one that cannot be passed on is said to be so', () => {
  const state = { init: () => [] as unknown[], update: (s: unknown, d: unknown) => [...(s as unknown[]), d] }
  const windows = new OpenWindows({ window: hopping('10s', { every: '5s', lateness: 0 }), by: () => 'k', state })
  const closed = [1, 6, 11].flatMap(n => windows.take(n, at(BASE_MS + n * 1_000)).closed)
  closed.push(...windows.take(() => 'no data', at(BASE_MS + 30_000)).closed)
  const texts = closed.map(window => windowOutput(window, Buffer.alloc(6), true).text)
  expect(texts.map(text => readWindowed(JSON.parse(text)))).toMatchObject([
    { startMs: BASE_MS - 5_000, state: [1], count: 1 },
    { startMs: BASE_MS, state: [1, 6], count: 2 },
    { startMs: BASE_MS + 5_000, state: [6, 11], count: 2 },
    { startMs: BASE_MS + 10_000, state: [11], count: 1 },
  ])
  const last = windows.take(1, at(BASE_MS + 60_000)).closed.map(window => windowOutput(window, Buffer.alloc(6), true).text)
  expect(() => readWindowed(JSON.parse(last[0]!))).toThrow(/This window cannot be passed on: its state is not plain data/)
})

test('what update throws leaves nothing behind, in none of the windows', () => {
  let calls = 0
  const state = {
    init: () => 0,
    update: (s: unknown) => {
      if (++calls === 4) throw new Error('the second window of the second datum')
      return (s as number) + 1
    },
  }
  const windows = new OpenWindows({ window: hopping('10s', { every: '5s', lateness: 0 }), by: () => 'k', state })
  windows.take(1, at(BASE_MS + 6_000))
  expect(() => windows.take(2, at(BASE_MS + 7_000))).toThrow(/second window/)
  expect(windows.take(3, at(BASE_MS + 60_000)).closed.map(({ count, state: s }) => [count, s])).toEqual([
    [1, 1],
    [1, 1],
  ])
})

test('the ids of a window are the same at every run, and another’s where anything of it differs', () => {
  const id = (key: string, second: number, first: { id: Uint8Array; idAt: number; createdMs: number }) => {
    const windows = new OpenWindows({ window: tumbling('10s', { lateness: 0 }), by: () => key, state: undefined })
    windows.take(1, { ...first, createdMs: BASE_MS + second * 1_000 })
    const [window] = windows.take(2, at(BASE_MS + 600_000)).closed
    return Buffer.from(windowOutput(window!, Buffer.alloc(6, 1), false).cause).toString('hex')
  }
  const [one, other] = [at(BASE_MS), at(BASE_MS)]
  expect(id('k', 1, one)).toBe(id('k', 2, one))
  expect(new Set([id('k', 1, one), id('k', 11, one), id('l', 1, one), id('k', 1, other)]).size).toBe(4)
})

test('windows of another shape do not go on from what was kept', () => {
  const by = () => 'k'
  const kept = new OpenWindows({ window: tumbling('10s'), by, state: undefined }).save()
  expect(() => OpenWindows.load({ window: tumbling('20s', { version: 3 }), by, state: undefined }, kept)).toThrow(
    expect.objectContaining({
      code: 'GRAPH_INVALID',
      message: expect.stringMatching(/were tumbling 10000 ms.*are tumbling 20000 ms.*version: 4/),
    }),
  )
  const later = OpenWindows.load({ window: tumbling('10s', { lateness: '1h' }), by, state: undefined }, { ...kept, watermarkMs: BASE_MS })
  expect(later.take(1, at(BASE_MS - 20_000)).refusal).toMatchObject({ code: 'WINDOW_CLOSED' })
})
