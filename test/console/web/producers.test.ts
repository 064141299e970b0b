import { describe, expect, it } from 'vitest'
import type { Producer } from '../../../src/console/api/producers.ts'
import { funnelOf, storedText } from '../../../src/console/web/pages/producers/funnel.ts'
import { addCommand, isOver, sortedKeys } from '../../../src/console/web/pages/producers/key-words.ts'

describe('the funnel of a producer', () => {
  const sent: Producer = {
    ...{ source: 'generator-10', received: 200, rejected: 20, duplicate: 10, retry: 10, accepted: 160 },
    ...{ refused_requests: 0, topics: [], accepted_per_second: 0, last_seen: null, reasons: [] },
  }

  it('has every datum that was received in one of its steps', () => {
    const [received, ...steps] = funnelOf(sent)
    expect(steps.reduce((sum, { count }) => sum + count, 0)).toBe(received!.count)
    expect(steps.map(({ name, share }) => [name, share])).toEqual([
      ['Rejected', 0.1],
      ['To be sent again', 0.05],
      ['Duplicate', 0.05],
      ['Accepted', 0.8],
    ])
  })

  it('divides by nothing where nothing was received', () => {
    const none = funnelOf({ ...sent, received: 0, rejected: 0, duplicate: 0, retry: 0, accepted: 0 })
    expect(none.every(({ share }) => share === 0)).toBe(true)
  })

  it('says how far what was accepted is stored', () => {
    const nowMs = Date.parse('2026-01-01T00:01:00.000Z')
    expect(storedText({ agent: 'lake@1', waiting: 0, until: null }, nowMs)).toBe('all of it is stored')
    expect(storedText({ agent: 'lake@1', waiting: 1_478, until: '2026-01-01T00:00:20.000Z' }, nowMs)).toBe(
      'stored what came before 40 s ago; 1,478 of all producers wait',
    )
    expect(storedText({ agent: 'lake@1', waiting: 3, until: null }, nowMs)).toBe('not known yet; 3 of all producers wait')
  })
})

describe('keys', () => {
  const nowMs = Date.parse('2026-01-02T00:00:00.000Z')
  const key = (id: string, expires: string | null, revoked: string | null) => ({
    ...{ id, source: 's', topics: '*' as const, created: '2026-01-01T00:00:00.000Z', rotates: null, last_seen: null },
    ...{ expires, revoked },
  })

  it('are over when they were revoked or have expired, and come after those that are valid', () => {
    const keys = [
      key('revoked', null, '2026-01-01T12:00:00.000Z'),
      key('expired', '2026-01-01T23:59:59.000Z', null),
      key('good', null, null),
    ]
    expect(keys.map(each => isOver(each, nowMs))).toEqual([true, true, false])
    expect(sortedKeys(keys, nowMs).map(({ id }) => id)).toEqual(['good', 'revoked', 'expired'])
  })

  it('are made by the command that a form stands for', () => {
    expect(addCommand('roof sensors', ['demand', 'weather'], '30d')).toBe(
      "millrace keys add 'roof sensors' --topic demand --topic weather --expires 30d",
    )
    expect(addCommand('roof', '*', '')).toBe('millrace keys add roof --all-topics')
  })
})
