import fc from 'fast-check'
import { expect, it } from 'vitest'
import { shifted } from '../../src/runtime/move/shifted.ts'

const count = fc.nat(1_000)

it('a checkpoint that is shifted balances, stands on the same datum and keeps every count that it can', () => {
  fc.assert(
    fc.property(count, count, count, count, count, fc.nat(6_000), (first, done, dead, duplicate, lost, base) => {
      const offset = first + done + dead + duplicate + lost
      const { checkpoint, expired } = shifted({ first, offset, done, dead, duplicate, lost, edition: 3 }, base)
      expect(checkpoint.offset).toBe(Math.max(0, offset - base))
      expect(checkpoint.offset - checkpoint.first).toBe(checkpoint.done + checkpoint.dead + checkpoint.duplicate + checkpoint.lost)
      expect(Math.min(checkpoint.done, checkpoint.dead, checkpoint.duplicate, checkpoint.lost)).toBeGreaterThanOrEqual(0)
      expect(expired).toBe(Math.max(0, base - offset))
      // What nobody handled is lost, and what was handled before the log's beginning is no part of the ledger.
      if (base >= offset) expect(checkpoint).toMatchObject({ first: -expired, done: 0, dead: 0, duplicate: 0, lost: expired })
      if (base <= first) expect(checkpoint).toMatchObject({ first: first - base, done, dead, duplicate, lost, edition: 3 })
      if (base >= first && base - first <= lost) expect(checkpoint).toMatchObject({ done, dead, duplicate, lost: lost - (base - first) })
    }),
  )
})
