import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isDeeper, isValueDeeper, parseJson } from '../../src/frontend/json.ts'
import { DEFAULT_LIMITS } from '../../src/frontend/limits.ts'
import { splitArray, splitLines } from '../../src/frontend/lines.ts'

/** How deep a value nests, by definition. */
function depthOf(value: unknown): number {
  return typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0
}

const tricky = fc.oneof(fc.string(), fc.constantFrom('[', '{"', '\\', '"', '\\"', '\\\\', ']}', 'é', '👩‍👩‍👧', ',', '\n'))
const json = fc.jsonValue({ maxDepth: 6 }).chain(value => fc.record({ value: fc.constant(value), text: tricky, list: fc.array(tricky) }))

test('the depth of JSON text is the depth of its value, whatever its strings hold', () => {
  fc.assert(
    fc.property(json, fc.integer({ min: 1, max: 9 }), fc.constantFrom(undefined, 1), (value, most, space) => {
      expect(isDeeper(JSON.stringify(value, undefined, space), most)).toBe(depthOf(value) > most)
      expect(isValueDeeper(value, most)).toBe(depthOf(value) > most)
    }),
  )
})

test('the elements of an array are cut where its own commas are', () => {
  fc.assert(
    fc.property(fc.array(json), fc.constantFrom(undefined, 1), (values, space) => {
      const lines = splitArray(Buffer.from(JSON.stringify(values, undefined, space)), DEFAULT_LIMITS)
      const read = Array.from({ length: lines.count }, (_, i) => parseJson(lines.text(i), 100))
      expect(read).toEqual(JSON.parse(JSON.stringify(values)))
    }),
  )
})

test('the lines of NDJSON are what was written, in every mixture of ends and empty lines', () => {
  const end = fc.constantFrom('\n', '\r\n', '\n\n', '\n \r\n')
  fc.assert(
    fc.property(fc.array(fc.tuple(json, end)), written => {
      const lines = splitLines(Buffer.from(written.map(([value, feed]) => JSON.stringify(value) + feed).join('')), DEFAULT_LIMITS)
      expect(Array.from({ length: lines.count }, (_, i) => lines.text(i))).toEqual(written.map(([value]) => JSON.stringify(value)))
    }),
  )
})

test('bytes of any kind never make the cutters throw anything but an operating error, nor hang', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, asArray) => {
      const body = Buffer.concat([Buffer.from(asArray ? '[' : ''), bytes])
      try {
        const lines = asArray ? splitArray(body, DEFAULT_LIMITS) : splitLines(body, DEFAULT_LIMITS)
        for (let i = 0; i < lines.count; i++) parseJson(lines.text(i), 5)
      } catch (error) {
        expect(error).toMatchObject({ code: 'BODY_MALFORMED' })
      }
    }),
  )
})
