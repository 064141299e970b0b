import { expect, it } from 'vitest'
import type { Remote } from '../../src/agents/remote.ts'
import { Watchdog } from '../../src/runtime/watchdog.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

function watched(remote?: Remote) {
  const clock = new VirtualClock()
  const seen: string[] = []
  const watchdog = new Watchdog({ timeoutMs: 2_000, remote }, clock, {
    onLong: fact => seen.push(`long ${fact.count}`),
    onHung: held => seen.push(`hung ${held.offset}`),
    onLate: () => seen.push('late'),
    onBack: () => seen.push('back'),
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

it('ends a thread whose handler is on the stack within half a second of its timeout, having looked into it before', async () => {
  const { clock, seen, progress } = watched()
  progress.begin(0, 0, 7, 1, clock.now())
  await clock.advance('1s')
  expect(seen).toEqual([])
  await clock.advance('200ms')
  expect(seen.filter(what => what !== 'long 1')).toEqual(['hung 7'])
  await clock.advance('1199ms')
  expect(seen.filter(what => what !== 'long 1')).toEqual(['hung 7', 'late'])
  await clock.advance('101ms')
  expect(seen.filter(what => what !== 'long 1')).toEqual(['hung 7', 'late', 'stuck'])
})

it('gives one that waits a little longer, and ends its thread within a second of the timeout, too', async () => {
  const { clock, seen, progress } = watched()
  progress.wait(progress.begin(0, 0, 7, 1, clock.now()))
  await clock.advance('2700ms')
  expect(seen).not.toContain('stuck')
  await clock.advance('300ms')
  expect(seen.filter(what => what !== 'long 1')).toEqual(['hung 7', 'late', 'stuck'])
})

it('lets data wait in a program’s hands for as long as its runner does, and watches what hands them over', async () => {
  const { clock, seen, progress } = watched({ kind: 'remote', concurrency: 1, open: () => expect.fail('nobody is to open it') })
  progress.wait(progress.begin(0, 0, 7, 1, clock.now()))
  await clock.advance('1h')
  expect(new Set(seen)).toEqual(new Set(['long 1']))
  progress.begin(0, 0, 8, 1, clock.now())
  await clock.advance('3s')
  expect(seen).toContain('stuck')
})

it('prepares for the end of a thread that is late, and lets go of it where it comes back by itself', async () => {
  const { clock, seen, progress } = watched()
  const row = progress.begin(0, 0, 7, 1, clock.now())
  await clock.advance('2300ms')
  progress.end(row)
  await clock.advance('1h')
  expect(seen.filter(what => !what.startsWith('long'))).toEqual(['hung 7', 'late', 'back'])
})

it('says when what was in hand for long no longer is', async () => {
  const { clock, seen, progress } = watched()
  const row = progress.begin(0, 0, 7, 1, clock.now())
  await clock.advance('1500ms')
  progress.end(row)
  await clock.advance('1s')
  expect(seen.at(-1)).toBe('long 0')
  expect(seen.filter(what => what === 'long 0')).toHaveLength(1)
})

it('looks no more once it is stopped', async () => {
  const { clock, seen, watchdog, progress } = watched()
  progress.begin(0, 0, 7, 1, clock.now())
  watchdog.stop()
  await clock.advance('1h')
  expect(seen).toEqual([])
})
