import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyPatch, mergePatch } from '../../../src/console/live/merge-patch.ts'

const value = fc.letrec(tie => ({
  any: fc.oneof({ maxDepth: 4 }, fc.string(), fc.integer(), fc.boolean(), fc.array(fc.integer(), { maxLength: 3 }), tie('object')),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', '__proto__x'), tie('any'), { maxKeys: 4 }),
})).object

describe('a merge patch', () => {
  test('says only what differs, null for what is gone, and arrays whole', () => {
    const before = { at: 1, gone: 'x', same: { a: 1, list: [1, 2] }, inner: { a: 1, b: 2 }, list: [1, 2] }
    const after = { at: 2, same: { a: 1, list: [1, 2] }, inner: { a: 1, b: 3, c: {} }, list: [1, 2, 3] }
    expect(mergePatch(before, after)).toEqual({ at: 2, gone: null, inner: { b: 3, c: {} }, list: [1, 2, 3] })
  })

  test('is none where nothing differs, a name that is undefined being no name', () => {
    expect(mergePatch({ a: { b: [{ c: 1 }] } }, { a: { b: [{ c: 1 }] }, d: undefined })).toBeUndefined()
  })

  test('makes the one of the other, whatever they are', () => {
    fc.assert(
      fc.property(value, value, (before, after) => {
        const patch = mergePatch(before as object, after as object)
        expect(patch === undefined ? before : applyPatch(before, JSON.parse(JSON.stringify(patch)))).toEqual(after)
      }),
    )
  })
})
