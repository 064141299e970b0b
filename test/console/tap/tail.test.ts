import { bytes, pipeline, topic } from 'millrace'
import { describe, expect, test } from 'vitest'
import type { ShownDatum } from '../../../src/console/api/topics.ts'
import { seenAt } from '../../../src/console/shown.ts'
import { Tail } from '../../../src/console/tap/tail.ts'
import { TokenBucket } from '../../../src/token-bucket.ts'
import { until } from '../../servers/until.ts'
import { Scene } from '../../trace/scene.ts'
import { Listener } from '../live/listener.ts'
import { type Listening, listen } from '../ops.ts'

const DEADLINE_MS = 10_000
const demand = topic('demand', bytes(), { partitions: 1, mask: ['pin'] })
const grid = pipeline('grid', { agents: [], topics: [demand] })

const tailOf = (ops: Listening, query = '') => Listener.open(`${ops.url}/v1/topics/demand/tail${query}`)
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => JSON.stringify({ n: i + from }))

/** Time passes, as far as it takes. */
async function hear(ops: Listening, page: Listener, event: string) {
  return until(event, DEADLINE_MS, async () => {
    await ops.scene.clock.advance('200ms')
    const index = page.heard.findIndex(heard => heard.event === event)
    expect(index, 'no such event').toBeGreaterThanOrEqual(0)
    return page.heard.splice(index, 1)[0]!.data
  })
}

/** The sums of all counts, once so many data were seen or skipped. */
async function counted(ops: Listening, page: Listener, data: number) {
  const sum = { shown: 0, matched: 0, seen: 0, skipped: 0, behind: 0 }
  while (sum.seen + sum.skipped < data) {
    const count = await hear(ops, page, 'count')
    for (const name of ['shown', 'matched', 'seen', 'skipped'] as const) sum[name] += count[name]
    sum.behind = count.behind
  }
  return sum
}

describe('a tail', () => {
  test('shows a datum that was sent, as it is in the log, with what its topic hides hidden', async () => {
    await using ops = await listen(['demand'], { pipeline: grid })
    await ops.scene.send('demand', 'before', '{}')
    using page = await tailOf(ops)
    const [dataId] = await ops.scene.send('demand', 'CE', '{"station":"CE","pin":1234}')
    expect(await hear(ops, page, 'datum')).toEqual({
      ...{ topic: 'demand', partition: 0, offset: 1, data_id: dataId, source: 'meter-7', key: 'CE' },
      ...{ appended: '2026-01-01T00:00:00.000Z', created: '2026-01-01T00:00:00.000Z', content_type: 'application/json' },
      ...{ parents: [], parent_count: 0, json: { station: 'CE', pin: '•••' } },
    })
    expect(await counted(ops, page, 1)).toEqual({ shown: 1, matched: 1, seen: 1, skipped: 0, behind: 0 })
  })

  test('shows only what matches all conditions, and does not tell what is hidden', async () => {
    await using ops = await listen(['demand'], { pipeline: grid })
    using page = await tailOf(ops, '?where=n>=3&where=@key=k')
    using guessing = await tailOf(ops, '?where=pin=1234')
    await ops.scene.send('demand', 'k', ...numbers(5), '{"pin":1234}')
    await ops.scene.send('demand', 'other', ...numbers(5))
    expect(await counted(ops, page, 11)).toMatchObject({ shown: 2, matched: 2, seen: 11 })
    expect(page.heard.filter(({ event }) => event === 'datum').map(({ data }) => data.json)).toEqual([{ n: 3 }, { n: 4 }])
    expect(await counted(ops, guessing, 11)).toMatchObject({ matched: 0, seen: 11 })
  })

  test('leaves out what comes faster than its rate, and says how much that is', async () => {
    await using ops = await listen(['demand'], { pipeline: grid })
    using page = await tailOf(ops, '?rate=5')
    await ops.scene.send('demand', 'k', ...numbers(100))
    expect(await counted(ops, page, 100)).toEqual({ shown: 5, matched: 100, seen: 100, skipped: 0, behind: 0 })
  })

  test('shows all of what was there already, as fast as its rate allows', async () => {
    await using ops = await listen(['demand'], { pipeline: grid })
    await ops.scene.send('demand', 'k', ...numbers(12))
    using page = await tailOf(ops, '?from=earliest&rate=5')
    expect(await hear(ops, page, 'count')).toMatchObject({ behind: expect.toSatisfy(behind => behind > 0) })
    await until('all of it', DEADLINE_MS, async () => {
      await ops.scene.clock.advance('200ms')
      expect(page.heard.filter(({ event }) => event === 'datum').map(({ data }) => data.json.n)).toEqual(numbers(12).map((_, i) => i))
    })
  })

  test('jumps over what is more than it may read, and counts that from the offsets', async () => {
    await using scene = await Scene.open('demand')
    const large = JSON.stringify({ text: 'x'.repeat(300_000) })
    for (let i = 0; i < 10; i++) await scene.send('demand', 'k', large)
    const shown: ShownDatum[] = []
    const tail = new Tail({
      ...{ topic: 'demand', from: [0], ends: [0], filter: undefined },
      ...{ rate: new TokenBucket(50, scene.clock), bytes: new TokenBucket(1_000_000, scene.clock) },
      see: cursor => seenAt(cursor, 'demand', { pipeline: () => undefined }),
      show: datum => void shown.push(datum),
      canShow: () => true,
    })
    await tail.look(scene.engine)
    expect(tail.count()).toEqual({ shown: 4, matched: 4, seen: 4, skipped: 6, behind: 0 })
    expect(shown[0]).toMatchObject({ cut: large.length, data: Buffer.from(large.slice(0, 16_384)).toString('base64') })
    // What was read beyond what it may is paid back first.
    await scene.send('demand', 'k', large)
    await scene.clock.advance('100ms')
    await tail.look(scene.engine)
    expect(tail.count()).toMatchObject({ seen: 0, skipped: 1 })
    await scene.send('demand', 'k', large)
    await scene.clock.advance('1s')
    await tail.look(scene.engine)
    expect(tail.count()).toMatchObject({ seen: 1, skipped: 0 })
  })

  test.each([
    ['/v1/topics/nothing/tail', 404, 'TOPIC_UNKNOWN'],
    ['/v1/topics/demand/tail?where=station', 400, 'QUERY_INVALID'],
    ['/v1/topics/demand/tail?from=yesterday', 400, 'QUERY_INVALID'],
    ['/v1/topics/demand/tail?rate=501', 400, 'QUERY_INVALID'],
  ])('says what is wrong with a question: %s', async (path, status, code) => {
    await using ops = await listen(['demand'], { pipeline: grid })
    expect((await ops.get(path)).json).toMatchObject({ status, code })
  })

  test('has room for so many readers, and again when one has gone', async () => {
    await using ops = await listen(['demand'], { pipeline: grid })
    const pages = await Promise.all(Array.from({ length: 16 }, () => tailOf(ops)))
    expect((await ops.get('/v1/topics/demand/tail')).status).toBe(503)
    pages.pop()![Symbol.dispose]()
    await until('room', DEADLINE_MS, async () => {
      using late = await tailOf(ops)
      expect(late.status).toBe(200)
    })
    for (const page of pages) page[Symbol.dispose]()
  })
})
