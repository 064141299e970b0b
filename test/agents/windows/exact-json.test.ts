import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exact, exactJson, fromExact } from '../../../src/agents/windows/exact-json.ts'

const again = (value: unknown): unknown => fromExact(JSON.parse(exactJson(value)))

test('plain data stay readable', () => {
  expect(exactJson({ station: 'a', of: [1, null, true] })).toBe('{"station":"a","of":[1,null,true]}')
})

test.each([
  ['a date', new Date(5)],
  ['bytes', { frame: new Uint8Array([1, 200]) }],
  ['a map', new Map([['a', { n: 1n }]])],
  ['undefined', undefined],
  ['a property that is undefined', { a: undefined, b: 1 }],
  ['numbers that JSON has not', [Number.NaN, -0, Number.POSITIVE_INFINITY]],
  ['what looks like a clone', { $cloned: 'AAAA' }],
  ['a hole', new Array<number>(2)],
])('%s comes back as it was', (_, value) => {
  expect(again(value)).toStrictEqual(value)
})

test('a circle comes back as one', () => {
  const circle: { self?: unknown } = {}
  circle.self = circle
  const back = again(circle) as { self: unknown }
  expect(back.self).toBe(back)
})

test('anything that can be cloned comes back as it was', () => {
  fc.assert(
    fc.property(fc.anything({ withDate: true, withMap: true, withSet: true, withBigInt: true, withTypedArray: true }), value => {
      expect(again(value)).toEqual(value)
    }),
  )
})

test('what cannot be cloned is refused', () => {
  expect(() => exact({ f: () => 1 })).toThrow(/could not be cloned/)
})
