import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fold } from '../../src/agents/fold.ts'
import { ID_BYTES } from '../../src/envelope/data-id.ts'

interface Reading {
  readonly key: string
  readonly n: number
}
const id = (n: number) => {
  const bytes = Buffer.alloc(ID_BYTES)
  bytes.writeUInt32LE(n)
  return bytes
}
const idsOf = (bytes: Uint8Array) =>
  Array.from({ length: bytes.length / ID_BYTES }, (_, i) => Buffer.from(bytes).readUInt32LE(i * ID_BYTES))
// The fold hands over values of whatever the topic holds; here they are readings.
const by = (datum: unknown) => (datum as Reading).key
const sum = { init: () => 0, update: (state: unknown, datum: unknown) => Number(state) + (datum as Reading).n }
const agent = { by, window: 3, state: sum }

test('each key has its own window, itself last, and its own state', () => {
  const fold = new Fold(agent, false)
  const take = (key: string, n: number) => fold.take({ key, n }, id(n), 0)
  take('a', 1)
  take('b', 2)
  take('a', 3)
  take('a', 4)
  const seen = take('a', 5)
  expect(seen).toEqual({ key: 'a', window: [3, 4, 5].map(n => ({ key: 'a', n })), state: 13 })
  expect(idsOf(fold.parents)).toEqual([5, 4, 3])
  expect(take('b', 6)).toMatchObject({ window: [{ n: 2 }, { n: 6 }], state: 8 })
})

test('a datum that comes again is put last and not folded again', () => {
  const fold = new Fold(agent, false)
  for (const n of [1, 2, 3, 4]) fold.take({ key: 'a', n }, id(n), 0)
  expect(fold.look({ key: 'a', n: 3 }, id(3), 0)).toEqual({ key: 'a', window: [2, 4, 3].map(n => ({ key: 'a', n })), state: 10 })
  expect(idsOf(fold.parents)).toEqual([3, 4, 2])
  expect(fold.look({ key: 'a', n: 1 }, id(1), 0).window).toEqual([3, 4, 1].map(n => ({ key: 'a', n })))
  expect(fold.take({ key: 'a', n: 5 }, id(5), 0)).toMatchObject({ window: [{ n: 3 }, { n: 4 }, { n: 5 }], state: 15 })
})

test('where by or update throw, nothing is folded', () => {
  const counting = {
    by,
    window: 3,
    state: {
      init: () => 0,
      update: (state: unknown, datum: unknown) => {
        if ((datum as Reading).n < 0) throw new Error('negative')
        return Number(state) + 1
      },
    },
  }
  const fold = new Fold(counting, false)
  fold.take({ key: 'a', n: 1 }, id(1), 0)
  expect(() => fold.take({ key: 'a', n: -1 }, id(2), 0)).toThrow('negative')
  expect(() => fold.take({ key: 7, n: 1 }, id(2), 0)).toThrow("'by' gave number")
  expect(fold.take({ key: 'a', n: 3 }, id(3), 0)).toMatchObject({ window: [{ n: 1 }, { n: 3 }], state: 2 })
})

test('from a snapshot and what follows it comes the same as from the beginning', () => {
  const readings = fc.array(fc.record({ key: fc.constantFrom('a', 'b', '__proto__', ''), n: fc.integer() }), { maxLength: 60 })
  fc.assert(
    fc.property(readings, fc.nat(60), (log, cut) => {
      const whole = new Fold(agent, false)
      const before = new Fold(agent, false)
      const after = new Fold(agent, false)
      for (const [n, reading] of log.slice(0, cut).entries()) {
        whole.take(reading, id(n), 0)
        before.take(reading, id(n), 0)
      }
      expect(after.restore(before.snapshot(), cut)).toBe(true)
      expect(after.offset).toBe(cut)
      for (const [n, reading] of log.slice(cut).entries()) {
        expect(after.take(reading, id(cut + n), 0)).toEqual(whole.take(reading, id(cut + n), 0))
        expect(after.parents).toEqual(whole.parents)
      }
    }),
  )
})

test('a snapshot of another window, or one that cannot be read, is left aside', () => {
  const fold = new Fold(agent, false)
  fold.take({ key: 'a', n: 1 }, id(1), 0)
  expect(new Fold({ ...agent, window: 4 }, false).restore(fold.snapshot(), 1)).toBe(false)
  expect(new Fold({ ...agent, state: undefined }, false).restore(fold.snapshot(), 1)).toBe(false)
  expect(new Fold(agent, false).restore(Buffer.from('torn'), 1)).toBe(false)
})

test('a snapshot is due only after many data, and more of them the more it holds', () => {
  const fold = new Fold({ by, window: 1, state: undefined }, false)
  const due: number[] = []
  for (let n = 0; n < 100_000; n++) {
    fold.take({ key: String(n % 10_000), n }, id(n), 0)
    if (fold.snapshotDue >= 1) {
      due.push(n + 1)
      fold.snapshotTaken()
    }
  }
  // 10,000 keys with one value each.
  expect(due).toEqual([80_000])
})

test('a state that cannot be kept is an error that says what to do', () => {
  const fold = new Fold({ by, window: undefined, state: { init: () => () => 0, update: state => state } }, false)
  fold.take({ key: 'a', n: 1 }, id(1), 0)
  expect(() => fold.snapshot()).toThrow(/cannot be kept.*plain data/)
})

test('a snapshot that was taken where the log holds no copies is read where it may, and the other way round', () => {
  for (const [before, after] of [
    [false, true],
    [true, false],
  ] as const) {
    const fold = new Fold(agent, before)
    fold.take({ key: 'a', n: 1 }, id(1), 0)
    const again = new Fold(agent, after)
    expect(again.restore(fold.snapshot(), 1)).toBe(true)
    expect(again.take({ key: 'a', n: 2 }, id(2), 0).window).toEqual([
      { key: 'a', n: 1 },
      { key: 'a', n: 2 },
    ])
  }
})
