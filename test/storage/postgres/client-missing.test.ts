import { expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { postgres } from '../../../src/storage/adapters/postgres/index.ts'
import { refused } from '../../../src/testing/refusal.ts'

vi.mock('pg-copy-streams', () => {
  throw new Error("Cannot find package 'pg-copy-streams'")
})

it('says what to install where a package is missing', async () => {
  const store = postgres('postgres://127.0.0.1:1/grid')
  const error = await refused('opening without pg-copy-streams', 'CLIENT_MISSING', () => store.open(systemClock))
  expect(error.fix).toBe('Run: npm install pg pg-copy-streams')
})
