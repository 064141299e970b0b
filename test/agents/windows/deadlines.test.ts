import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deadlines } from '../../../src/agents/windows/deadlines.ts'

test('what ends first comes first, however it was added and taken', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer({ min: 0, max: 50 }), fc.constant('take'))), steps => {
      const deadlines = new Deadlines<{ endMs: number }>()
      const model: number[] = []
      for (const step of steps) {
        if (typeof step === 'number') {
          deadlines.add({ endMs: step })
          model.push(step)
          model.sort((a, b) => a - b)
        } else if (model.length > 0) expect(deadlines.take().endMs).toBe(model.shift())
        expect(deadlines.nextMs).toBe(model[0] ?? Number.POSITIVE_INFINITY)
      }
    }),
  )
})
