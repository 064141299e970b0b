import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { whileInSight } from '../../../src/console/web/live/in-sight.ts'

class Tab extends EventTarget {
  hidden = false

  turn(hidden: boolean): void {
    this.hidden = hidden
    this.dispatchEvent(new Event('visibilitychange'))
  }
}

let tab: Tab
let running = 0
const start = () => {
  running++
  return () => void running--
}

beforeEach(() => {
  tab = new Tab()
  running = 0
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

it('a tab in the background lets its connection go after a while, and has one again when it is looked at', () => {
  const end = whileInSight(tab, 10_000, start)
  tab.turn(true)
  vi.advanceTimersByTime(9_999)
  expect(running).toBe(1)
  vi.advanceTimersByTime(1)
  expect(running).toBe(0)
  tab.turn(false)
  expect(running).toBe(1)
  end()
  tab.turn(true)
  tab.turn(false)
  expect(running).toBe(0)
})

it('a look elsewhere breaks nothing off, and a tab that was opened in the background begins when it is seen', () => {
  tab.hidden = true
  whileInSight(tab, 10_000, start)
  vi.advanceTimersByTime(60_000)
  expect(running).toBe(0)
  for (const hidden of [false, true, false]) tab.turn(hidden)
  vi.advanceTimersByTime(60_000)
  expect(running).toBe(1)
})
