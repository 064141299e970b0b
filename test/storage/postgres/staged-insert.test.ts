import { expect, it } from 'vitest'
import type { Session } from '../../../src/storage/adapters/postgres/session.ts'
import { insertStaged } from '../../../src/storage/adapters/postgres/staged-insert.ts'
import type { Staging } from '../../../src/storage/adapters/postgres/statements.ts'
import { refused } from '../../../src/testing/refusal.ts'

/** A roll of `rows` of which a table refuses those that `isBad` says; counts what is asked of it. */
function table(rows: number, isBad: (offset: number) => boolean) {
  let attempts = 0
  const session = {
    run: async () => [],
    attempt: async (range: string) => {
      attempts++
      const [first = 0, end = rows] = range === '' ? [] : range.split('-').map(Number)
      for (let offset = first; offset < end; offset++) if (isBad(offset)) return new Error('not positive')
      return undefined
    },
  }
  const staging = {
    insert: (range?: { first: number; end: number }) => (range === undefined ? '' : `${range.first}-${range.end}`),
    index: '',
    dropIndex: '',
  }
  return {
    // Of both, these are all that an insert uses.
    insert: () => insertStaged(session as unknown as Session, staging as unknown as Staging, { first: 0, end: rows }),
    attempts: () => attempts,
  }
}

it('finds each of few refused rows of a large roll', async () => {
  const bad = [0, 77_777, 77_778, 999_999]
  const { insert, attempts } = table(1_000_000, offset => bad.includes(offset))
  expect((await insert()).map(({ offset }) => offset)).toEqual(bad)
  expect(attempts()).toBeLessThan(200)
})

it('finds every row of a roll of 25,000 that is refused as a whole', async () => {
  const { insert } = table(25_000, () => true)
  expect(await insert()).toHaveLength(25_000)
})

it('gives up a larger roll of which nearly every row is refused, and says why, instead of millions of statements in one transaction', async () => {
  const { insert, attempts } = table(1_000_000, () => true)
  const error = await refused('the roll', 'STORE_UNAVAILABLE', insert)
  expect(error.message).toMatch(/^PostgreSQL refuses 2\d,\d{3} rows of the roll at offset 0 \(1,000,000 data\), and more: not positive\./)
  expect(attempts()).toBe(50_001)
})
