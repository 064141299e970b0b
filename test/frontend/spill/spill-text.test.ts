import { expect, test } from 'vitest'
import { Pauses } from '../../../src/frontend/spill/pauses.ts'
import { bytesText, spillText } from '../../../src/frontend/spill/spill-text.ts'

const status = { state: 'spilling', data: 12_345, bytes: 4_500_000, maxBytes: 1e9, full: false, sinceMs: Date.UTC(2026, 0, 1) } as const

test('health says how much is kept back, of how much, since when and why', () => {
  expect(spillText(status)).toBe('spilling: 12,345 data (4.5 MB of 1 GB) since 2026-01-01T00:00:00Z')
  expect(spillText({ ...status, state: 'handing-over', reason: 'Away.' })).toBe(
    'draining: 12,345 data (4.5 MB of 1 GB) since 2026-01-01T00:00:00Z; Away.',
  )
  expect(spillText({ ...status, state: 'direct' })).toBeUndefined()
})

test('health says where data are that the stream refuses, also when all else is in it', () => {
  const refused = { files: 2, path: '/data/spill/refused' }
  expect(spillText({ ...status, state: 'direct', refused })).toBe(
    'data that the stream refuses are set aside in /data/spill/refused (2 files)',
  )
  expect(spillText({ ...status, refused: { ...refused, files: 1 } })).toMatch(/^spilling: .*; data that the stream refuses .* \(1 file\)$/)
})

test('sizes are told in the units that they are set in', () => {
  expect([0, 999, 1_000, 64_500, 1e9, 2.5e12].map(bytesText)).toEqual(['0 B', '999 B', '1 kB', '65 kB', '1 GB', '2.5 TB'])
})

test('pauses double up to ten seconds, vary by half, and begin anew once the stream was there', () => {
  const shortest = new Pauses(() => 0)
  expect(Array.from({ length: 8 }, () => shortest.next())).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
  shortest.reset()
  expect(shortest.next()).toBe(100)
  const longest = new Pauses(() => 1)
  expect(Array.from({ length: 8 }, () => longest.next()).at(-1)).toBe(10_000)
})
