import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ID_BYTES } from '../../src/envelope/data-id.ts'
import { IdSet } from '../../src/envelope/id-set.ts'

it('holds each id once, in the order of adding, and tells which one it was', () => {
  const ids = fc.array(fc.uint8Array({ minLength: ID_BYTES, maxLength: ID_BYTES }), { maxLength: 300 })
  fc.assert(
    fc.property(ids, all => {
      const set = new IdSet()
      const known: string[] = []
      for (const id of [...all, ...all]) {
        const text = Buffer.from(id).toString('hex')
        expect(set.indexOf(id, 0)).toBe(known.indexOf(text))
        expect(set.add(id, 0)).toBe(!known.includes(text))
        if (!known.includes(text)) known.push(text)
        expect(set.has(id, 0)).toBe(true)
      }
      expect(set.count).toBe(known.length)
      expect(Buffer.from(set.bytes).toString('hex')).toBe(known.join(''))
    }),
  )
})

it('reads an id at a place within other bytes', () => {
  const set = new IdSet()
  const bytes = Buffer.from(Array.from({ length: 3 * ID_BYTES }, (_, i) => i))
  expect(set.add(bytes, ID_BYTES)).toBe(true)
  expect(set.has(bytes.subarray(ID_BYTES, 2 * ID_BYTES), 0)).toBe(true)
  expect(set.has(bytes, 2 * ID_BYTES)).toBe(false)
})

it('is not slowed down by ids that differ in their first bytes alone, as a producer may make them', () => {
  const set = new IdSet()
  const id = Buffer.alloc(ID_BYTES, 7)
  // With every id in one place this would take minutes.
  for (let n = 0; n < 100_000; n++) {
    id.writeUInt32BE(n)
    set.add(id, 0)
  }
  expect(set.count).toBe(100_000)
})
