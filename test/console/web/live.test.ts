import { describe, expect, it } from 'vitest'
import type { Overview } from '../../../src/console/api/overview.ts'
import { applyPatch } from '../../../src/console/live/merge-patch.ts'
import { EventReader } from '../../../src/console/web/live/event-stream.ts'
import { History, KEPT_LOOKS } from '../../../src/console/web/live/history.ts'
import { findCommand, tapCommand } from '../../../src/console/web/parts/commands.ts'
import { shareText } from '../../../src/console/web/parts/tail-text.ts'

function look(second: number, topics: Record<string, number>): Overview {
  const node = (in_per_second: number) => ({ partitions: 1, entry: true, in_per_second, retained: 0 })
  return {
    ...{ at: new Date(second * 1_000).toISOString(), agents: {}, ready: true, reasons: [], dead_letters: 0, advice: 0, slos_missed: 0 },
    front_end: { accepted_per_second: 0, duplicate_per_second: 0, rejected_per_second: 0, retry_per_second: 0, bytes_per_second: 0 },
    topics: Object.fromEntries(Object.entries(topics).map(([name, rate]) => [name, node(rate)])),
  }
}

describe('a merge patch', () => {
  it('leaves what it does not name the same object, and takes out what it says is null', () => {
    const before = { a: { x: 1 }, b: { y: 2 }, gone: 3 }
    const after = applyPatch(before, { b: { y: 5, z: [1] }, gone: null })
    expect(after).toEqual({ a: { x: 1 }, b: { y: 5, z: [1] } })
    expect((after as typeof before).a).toBe(before.a)
    expect(before.b).toEqual({ y: 2 })
  })
})

describe('server-sent events', () => {
  it('are whole however the stream is cut, and comments are none', () => {
    const text = ': hello\n\nevent: datum\ndata: {"a":\ndata: 1}\n\nretry: 5\n\ndata: x\r\n\r\n'
    const all = [
      { event: 'datum', data: '{"a":\n1}' },
      { event: 'message', data: 'x' },
    ]
    for (let size = 1; size <= text.length; size++) {
      const reader = new EventReader()
      const found = []
      for (let at = 0; at < text.length; at += size) found.push(...reader.take(text.slice(at, at + size)))
      expect(found).toEqual(all)
    }
  })
})

describe('the history that charts show', () => {
  it('keeps the last looks in their order, with gaps where a number was not there', () => {
    const history = new History()
    history.add(look(1, { demand: 5 }))
    history.add(look(2, {}))
    history.add(look(3, { demand: 7 }))
    expect(history.series('topic demand in')).toEqual({ times: [1, 2, 3], values: [5, null, 7] })
    expect(history.series('topic nothing in').values).toEqual([null, null, null])
  })

  it('forgets what is older than it keeps', () => {
    const history = new History()
    for (let second = 1; second <= KEPT_LOOKS + 2; second++)
      history.add(look(second, second === 1 ? { old: 1, demand: 1 } : { demand: second }))
    const { times, values } = history.series('topic demand in')
    expect([times.length, times[0], values[0], values.at(-1)]).toEqual([KEPT_LOOKS, 3, 3, KEPT_LOOKS + 2])
    expect(history.series('topic old in').values.every(value => value === null)).toBe(true)
  })
})

describe('a tail', () => {
  const count = { shown: 50, matched: 60, seen: 4_000, skipped: 210, behind: 9 }

  it('says what it leaves out', () => {
    expect(shareText(count, false)).toBe('shows 50 of 4,210/s')
    expect(shareText(count, true)).toBe('shows 50 of 60/s that match, of 4,210/s, 210 of them not looked at')
    expect(shareText({ ...count, behind: 90_000 }, false)).toBe('shows 50 of 4,210/s; 90,000 to the end')
  })

  it('is the same as a command', () => {
    expect(tapCommand('demand')).toBe('millrace tap demand')
    expect(tapCommand('demand', '10m', ['megawatts>500', "a=it's"])).toBe(
      "millrace tap demand --from 10m --where 'megawatts>500' --where 'a=it'\\''s'",
    )
    expect(findCommand({ topic: 'demand', key: '', from: '10m' }, ['v>1'])).toBe("millrace find --topic demand --from 10m --where 'v>1'")
  })
})
