import { expect, test } from 'vitest'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

test('time stands still until it is moved', async () => {
  const clock = new VirtualClock({ startMs: 1_000 })
  const fired: number[] = []
  clock.after(5, () => fired.push(clock.now()))
  await new Promise(setImmediate)
  expect([clock.now(), fired]).toEqual([1_000, []])
})

test('timers fire each at its own moment, those of one moment in the order in which they were set', async () => {
  const clock = new VirtualClock({ startMs: 0 })
  const fired: string[] = []
  clock.after(20, () => fired.push(`c@${clock.now()}`))
  clock.after(10, () => fired.push(`a@${clock.now()}`))
  clock.after(10, () => fired.push(`b@${clock.now()}`))
  await clock.advance('1s')
  expect(fired).toEqual(['a@10', 'b@10', 'c@20'])
  expect(clock.now()).toBe(1_000)
})

test('a timer that is set while time passes fires within it', async () => {
  const clock = new VirtualClock({ startMs: 0 })
  const fired: number[] = []
  const tick = () => {
    fired.push(clock.now())
    clock.after(10, tick)
  }
  clock.after(10, tick)
  await clock.advance(35)
  expect(fired).toEqual([10, 20, 30])
})

test('a cancelled timer does not fire', async () => {
  const clock = new VirtualClock()
  let fired = false
  clock.after(10, () => {
    fired = true
  })()
  await clock.advance('1m')
  expect(fired).toBe(false)
})

test('sleep ends when its time has come, or with the reason of its signal', async () => {
  const clock = new VirtualClock()
  const asleep = clock.sleep(10)
  await clock.advance(10)
  await asleep
  const abort = new AbortController()
  const cut = clock.sleep(10, abort.signal)
  abort.abort(new Error('enough'))
  await expect(cut).rejects.toThrow('enough')
  await expect(clock.sleep(10, abort.signal)).rejects.toThrow('enough')
})
