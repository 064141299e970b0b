import { describe, expect, test } from 'vitest'
import { createHealth } from '../../src/instrumentation/health.ts'

describe('health', () => {
  test('is live and not ready at first, and says what it waits for', () => {
    const health = createHealth(['engine', 'front end'])
    health.up('engine')
    expect(health.live().ok).toBe(true)
    expect(health.ready()).toEqual({
      ok: false,
      reasons: ['front end: starting'],
      parts: [
        { part: 'engine', ok: true },
        { part: 'front end', ok: false, reason: 'starting' },
      ],
    })
  })

  test('is ready when every part is up', () => {
    const health = createHealth(['engine'])
    health.up('engine')
    health.up('agent average@1')
    expect(health.ready().ok).toBe(true)
  })

  test('is not ready while an agent is down, and ready again when it is up or taken out', () => {
    const health = createHealth([])
    health.down('agent average@1', 'its thread ended')
    expect(health.ready().reasons).toEqual(['agent average@1: its thread ended'])
    health.up('agent average@1')
    expect(health.ready().ok).toBe(true)
    health.down('agent average@1', 'its thread ended')
    health.remove('agent average@1')
    expect(health.ready().ok).toBe(true)
  })

  test('is live and not ready while it drains', () => {
    const health = createHealth([])
    health.stopping()
    expect(health.live().ok).toBe(true)
    expect(health.ready().reasons).toEqual(['shutting down'])
  })

  test('is neither after a failure that only a new process mends, and names the first one', () => {
    const health = createHealth([])
    health.fail('the disk is gone')
    health.fail('the writer does not answer')
    expect(health.live().reasons).toEqual(['the disk is gone'])
    expect(health.ready().ok).toBe(false)
  })
})
