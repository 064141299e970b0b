import { expect, test } from 'vitest'
import { LineLimit } from '../../src/runtime/line-limit.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

test('a program that writes without end is heard now and then, and it is said how much was left out', async () => {
  const clock = new VirtualClock()
  const said: string[] = []
  const limit = new LineLimit(clock, line => said.push(line))
  for (let second = 0; second < 10; second++) {
    for (let i = 0; i < 1_000; i++) limit.line(`line ${second * 1_000 + i}`)
    await clock.advance('1s')
  }
  expect(said.length).toBe(100 + 9 * 20 + 1)
  expect(said.at(-1)).toBe(`It writes more than 20 lines a second: ${10_000 - 280} were left out in the last 10 s.`)
  limit.line('x'.repeat(5_000))
  expect(said.at(-1)).toMatch(/^x{4000}… \(1000 more characters\)$/)
  await clock.advance('1m')
  expect(said.length).toBe(282)
})
