import { describe, expect, test } from 'vitest'
import type { Standing } from '../../src/engine/engine.ts'
import { ledgerOf, ledgerToJson } from '../../src/instrumentation/ledger.ts'

function standing(over: Partial<Standing['checkpoint']> = {}, place: Partial<Standing> = {}): Standing {
  const checkpoint = { offset: 100, first: 10, done: 85, dead: 2, duplicate: 1, lost: 2, edition: 1, ...over }
  return { group: 'average@2', topic: 'generation', partition: 0, first: 20, next: 130, checkpoint, ...place }
}

describe('the ledger', () => {
  test('balances when everything between first and committed is done, dead, duplicate or lost', () => {
    const ledger = ledgerOf([standing()], 5_000)
    expect(ledger.balanced).toBe(true)
    expect(ledger.rows[0]).toMatchObject({ name: 'average', version: 2, gap: 0, behind: 30, lagMs: 0 })
  })

  test('shows a datum that vanished as a gap of 1, and one counted twice as −1', () => {
    const ledger = ledgerOf([standing({ done: 84 }), standing({ done: 86 }, { partition: 1 })], 5_000)
    expect(ledger.balanced).toBe(false)
    expect(ledger.rows.map(row => row.gap)).toEqual([1, -1])
  })

  test('gives the age of the oldest datum that is not committed', () => {
    expect(ledgerOf([standing({}, { oldestPendingMs: 2_000 })], 5_000).rows[0]?.lagMs).toBe(3_000)
  })

  test('counts what retention deleted before the agent reached it, until the agent counts it as lost', () => {
    expect(ledgerOf([standing({}, { first: 112 })], 5_000).rows[0]?.expired).toBe(12)
  })

  test('charges a place that was taken over with nothing: its successor carries the rest', () => {
    const row = ledgerOf([standing({}, { replacedBy: 'average@3', oldestPendingMs: 1, first: 112 })], 5_000).rows[0]
    expect(row).toMatchObject({ behind: 0, expired: 0, lagMs: 0, replacedBy: 'average@3' })
  })

  test('lists agents by name and version as a number, then topic and partition', () => {
    const rows = ledgerOf(
      [
        standing({}, { group: 'b@10' }),
        standing({}, { group: 'b@9', partition: 1 }),
        standing({}, { group: 'b@9' }),
        standing({}, { group: 'a@1' }),
      ],
      0,
    ).rows
    expect(rows.map(row => `${row.group}/${row.partition}`)).toEqual(['a@1/0', 'b@9/0', 'b@9/1', 'b@10/0'])
  })

  test('speaks snake_case and seconds on a wire', () => {
    const json = ledgerToJson(ledgerOf([standing({ intent: { first: 100, end: 120 } }, { oldestPendingMs: 3_500 })], 5_000))
    expect(json).toEqual({
      balanced: true,
      at: '1970-01-01T00:00:05.000Z',
      rows: [
        {
          agent: 'average',
          version: 2,
          topic: 'generation',
          partition: 0,
          first: 10,
          committed: 100,
          done: 85,
          dead: 2,
          duplicate: 1,
          lost: 2,
          gap: 0,
          behind: 30,
          expired: 0,
          lag_seconds: 1.5,
          rolling: { first: 100, end: 120 },
        },
      ],
    })
  })
})
