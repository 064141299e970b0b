import { expect, it } from 'vitest'
import { Watchdog } from '../../src/runtime/watchdog.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

function watched() {
  const clock = new VirtualClock()
  const seen: string[] = []
  const watchdog = new Watchdog({ timeoutMs: 2_000 }, clock, {
    onLong: fact => seen.push(`long ${fact.count}`),
    onStuck: () => seen.push('stuck'),
  })
  watchdog.start()
  return { clock, seen, watchdog, progress: watchdog.progress }
}

it('says nothing of attempts that come and go, and of an agent that is idle', async () => {
  const { clock, seen, progress } = watched()
  for (let offset = 0; offset < 20; offset++) {
    const row = progress.begin(0, 0, offset, 1, clock.now())
    await clock.advance('500ms')
    progress.end(row)
  }
  await clock.advance('1h')
  expect(seen).toEqual([])
})

it('reports what is in hand for more than a second, and what its thread cannot end within a second of its timeout, once', async () => {
  const { clock, seen, progress } = watched()
  progress.begin(0, 0, 7, 1, clock.now())
  await clock.advance('1s')
  expect(seen).toEqual([])
  await clock.advance('1s')
  expect(seen).toContain('long 1')
  expect(seen).not.toContain('stuck')
  await clock.advance('1s')
  expect(seen.filter(what => what === 'stuck')).toEqual(['stuck'])
  const before = seen.length
  await clock.advance('1h')
  expect(seen).toHaveLength(before)
})

it('looks no more once it is stopped', async () => {
  const { clock, seen, watchdog, progress } = watched()
  progress.begin(0, 0, 7, 1, clock.now())
  watchdog.stop()
  await clock.advance('1h')
  expect(seen).toEqual([])
})
