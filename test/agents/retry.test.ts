import { expect, test } from 'vitest'
import { backoffMs, isFinal } from '../../src/agents/retry.ts'
import { MillraceError } from '../../src/errors.ts'

test('what cannot get better is not tried again; anything else is', () => {
  expect(isFinal(new MillraceError('OUTPUT_INVALID', 'x'))).toBe(true)
  expect(isFinal(new MillraceError('DATUM_INVALID', 'x'))).toBe(true)
  expect(isFinal(Object.assign(new Error('no such customer'), { retryable: false }))).toBe(true)
  expect(isFinal(new MillraceError('HANDLER_TIMEOUT', 'x'))).toBe(false)
  expect([new Error('x'), 'text', null, undefined, 7].map(isFinal)).toEqual([false, false, false, false, false])
})

test('the wait doubles with each attempt up to the longest, and lies anywhere below it', () => {
  const policy = { backoffMs: 100, maxBackoffMs: 1_000 }
  const most = (attempts: number) => backoffMs(policy, attempts, () => 0.999_999)
  expect([1, 2, 3, 4, 5, 50].map(most)).toEqual([100, 200, 400, 800, 1_000, 1_000])
  expect(backoffMs(policy, 3, () => 0)).toBe(0)
})
