import { expect, it } from 'vitest'
import { Backoff } from '../../src/runtime/backoff.ts'

it('doubles the pause while a thread keeps ending soon, up to 10 s', () => {
  const backoff = new Backoff()
  expect(Array.from({ length: 9 }, () => backoff.pauseMs(50))).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
})

it('begins anew after a thread that ran for long', () => {
  const backoff = new Backoff()
  for (let i = 0; i < 5; i++) backoff.pauseMs(50)
  expect(backoff.pauseMs(60_000)).toBe(100)
})
