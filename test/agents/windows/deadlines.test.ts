import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deadlines } from '../../../src/agents/windows/deadlines.ts'

test('what ends first comes first, of those that end together the one added first, however they were added and taken', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer({ min: 0, max: 10 }), fc.constant('take'))), steps => {
      const deadlines = new Deadlines<{ endMs: number; n: number }>()
      const model: { endMs: number; n: number }[] = []
      for (const [n, step] of steps.entries()) {
        if (typeof step === 'number') {
          deadlines.add({ endMs: step, n })
          model.push({ endMs: step, n })
          model.sort((a, b) => a.endMs - b.endMs || a.n - b.n)
        } else if (model.length > 0) expect(deadlines.take()).toEqual(model.shift())
        expect(deadlines.nextMs).toBe(model[0]?.endMs ?? Number.POSITIVE_INFINITY)
      }
    }),
  )
})
