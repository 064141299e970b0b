import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ring } from '../../src/agents/ring.ts'
import { ID_BYTES } from '../../src/envelope/data-id.ts'

const id = (n: number) => {
  const bytes = Buffer.alloc(ID_BYTES)
  bytes.writeUInt32LE(n)
  return bytes
}

test('it holds the last values, oldest first, and their ids, newest first, whatever its size and however many came', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 130 }), (size, count) => {
      const ring = new Ring(size)
      for (let n = 0; n < count; n++) ring.push(n, id(n), 0)
      const last = Array.from({ length: count }, (_, n) => n).slice(-size)
      expect(ring.toArray()).toEqual(last)
      const ids = Buffer.alloc(size * ID_BYTES + 3)
      const bytes = ring.idsInto(ids, 3)
      expect(bytes).toBe(last.length * ID_BYTES)
      expect(Array.from(last, (_, i) => ids.readUInt32LE(3 + i * ID_BYTES))).toEqual(last.toReversed())
    }),
  )
})

test('what was given out does not change with what comes after', () => {
  const ring = new Ring(2)
  ring.push('a', id(1), 0)
  const seen = ring.toArray()
  ring.push('b', id(2), 0)
  ring.push('c', id(3), 0)
  expect(seen).toEqual(['a'])
})
