import { agent, bytes, cache, out, pipeline, storageAgent, testPipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { RollingStore } from '../../src/storage/storage.ts'

const demand = topic('demand', z.object({ station: z.string(), megawatts: z.number() }), { key: d => d.station })
const alert = topic('alert', z.object({ station: z.string(), level: z.enum(['warn', 'page']) }), { key: d => d.station })
const means = cache('means', z.object({ station: z.string(), mean: z.number() }), { key: v => v.station })

const watch = agent('watch', { version: 1, from: demand, to: alert }, d =>
  d.megawatts > 100 ? { station: d.station, level: d.megawatts > 200 ? 'page' : 'warn' } : undefined,
)
const average = agent(
  'average',
  {
    version: 1,
    from: demand,
    to: means,
    by: d => d.station,
    state: { init: () => ({ n: 0, sum: 0 }), update: (s, d) => ({ n: s.n + 1, sum: s.sum + d.megawatts }) },
  },
  (d, { state }) => ({ station: d.station, mean: state.sum / state.n }),
)
// A store that must not be opened in a test.
const nowhere: RollingStore = {
  kind: 'rolling',
  describe: 'nowhere',
  roll: { records: 1_000, bytes: 1e9, ageMs: 60_000 },
  open: () => Promise.reject(new Error('A test opened a real store.')),
}
const lake = storageAgent('lake', { version: 1, from: [demand, alert], to: nowhere })
const grid = pipeline('grid', { agents: [watch, average, lake] })

test('what is sent goes through the whole graph', async () => {
  await using run = await testPipeline(grid)
  await run.send(demand, [
    { station: 'n', megawatts: 90 },
    { station: 'n', megawatts: 150 },
    { station: 's', megawatts: 250 },
  ])
  await run.settled()
  expect(run.topic(alert).data.toSorted((a, b) => a.station.localeCompare(b.station))).toEqual([
    { station: 'n', level: 'warn' },
    { station: 's', level: 'page' },
  ])
  expect(run.cache(means)).toEqual(
    new Map([
      ['n', { station: 'n', mean: 120 }],
      ['s', { station: 's', mean: 250 }],
    ]),
  )
  expect(run.ledger().balanced).toBe(true)
  expect(run.deadLetters).toEqual([])
})

test('a storage agent rolls into memory when its age has passed, and its own store is never opened', async () => {
  await using run = await testPipeline(grid)
  await run.send(demand, { station: 'n', megawatts: 150 })
  await run.settled()
  expect(run.stored(lake)).toEqual([])
  await run.clock.advance('61s')
  expect(run.stored(lake).map(({ topic: name, value }) => [name, value])).toEqual(
    expect.arrayContaining([
      ['demand', { station: 'n', megawatts: 150 }],
      ['alert', { station: 'n', level: 'warn' }],
    ]),
  )
  expect(run.stored(lake)).toHaveLength(2)
})

test('a datum that does not match is refused with its path, and nothing is sent', async () => {
  await using run = await testPipeline(grid)
  // The compiler would refuse it, too.
  const wrong = { station: 'n', megawatts: 'many' } as unknown as { station: string; megawatts: number }
  await expect(run.send(demand, [{ station: 'n', megawatts: 1 }, wrong])).rejects.toMatchObject({
    code: 'DATUM_INVALID',
    issues: [{ path: 'megawatts' }],
  })
  await run.settled()
  expect(run.topic(demand).data).toEqual([])
})

test('an id that is sent again is a duplicate', async () => {
  await using run = await testPipeline(grid)
  const [first] = await run.send(demand, { station: 'n', megawatts: 150 }, { id: 'reading-7' })
  const [again] = await run.send(demand, { station: 'n', megawatts: 150 }, { id: 'reading-7' })
  expect([first!.state, again!.state, again!.dataId]).toEqual(['accepted', 'duplicate', first!.dataId])
  await run.settled()
  expect(run.topic(alert).data).toHaveLength(1)
})

test('the trace tells what became of a datum, and an output names its parents', async () => {
  await using run = await testPipeline(grid)
  const [receipt] = await run.send(demand, { station: 'n', megawatts: 150 })
  await run.settled()
  await run.clock.advance('1s')
  const record = await run.trace(receipt!.dataId)
  expect(record!.marks.filter(mark => mark.state === 'done').map(mark => mark.name)).toEqual(expect.arrayContaining(['watch', 'average']))
  expect(run.topic(alert).envelopes[0]!.parents).toEqual([receipt!.dataId])
})

test('a failing handler is tried again as time passes, and is dead when its attempts are used', async () => {
  let calls = 0
  const fails = agent('fails', { version: 1, from: demand, retry: { attempts: 3, backoff: '10s', maxBackoff: '1m' } }, () => {
    calls++
    throw new Error('the customer is unknown')
  })
  await using run = await testPipeline(pipeline('p', { agents: [fails] }))
  await run.send(demand, { station: 'n', megawatts: 1 })
  await run.settled()
  expect([calls, run.deadLetters.length]).toEqual([1, 0])
  await run.clock.advance('5s')
  expect(calls).toBe(2)
  await run.clock.advance('10s')
  expect(calls).toBe(3)
  expect(run.deadLetters).toMatchObject([{ attempts: 3, state: 'dead', error: { name: 'Error', message: 'the customer is unknown' } }])
})

test('a crash of an agent loses nothing and repeats nothing', async () => {
  let crashed = false
  await using run = await testPipeline(grid)
  for (let n = 0; n < 50; n++) {
    await run.send(demand, { station: `s${n % 5}`, megawatts: 101 + n })
    if (n % 10 === 5) {
      await run.crash(watch)
      await run.crash(average)
      crashed = true
    }
  }
  await run.settled()
  expect(crashed).toBe(true)
  expect(run.topic(alert).data).toHaveLength(50)
  expect(run.cache(means).get('s0')).toEqual({ station: 's0', mean: (101 + 106 + 111 + 116 + 121 + 126 + 131 + 136 + 141 + 146) / 10 })
  expect(run.ledger().balanced).toBe(true)
})

test('dead letters can be put again', async () => {
  let works = false
  const picky = agent('picky', { version: 1, from: demand, to: alert, retry: { attempts: 1 } }, d => {
    if (!works) throw new Error('not yet')
    return { station: d.station, level: 'warn' }
  })
  await using run = await testPipeline(pipeline('p', { agents: [picky] }))
  await run.send(demand, { station: 'n', megawatts: 1 })
  await run.settled()
  expect(run.deadLetters).toMatchObject([{ state: 'dead' }])
  works = true
  await run.replay()
  await run.settled()
  expect(run.deadLetters).toMatchObject([{ state: 'done' }])
  expect(run.topic(alert).data).toEqual([{ station: 'n', level: 'warn' }])
})

test('a handler that waits for the network is waited for', async () => {
  const waits = agent('waits', { version: 1, from: demand, to: alert }, async d => {
    await new Promise(resolve => setTimeout(resolve, 60))
    return { station: d.station, level: 'warn' }
  })
  await using run = await testPipeline(pipeline('p', { agents: [waits] }))
  await run.send(demand, { station: 'n', megawatts: 1 })
  await run.settled()
  expect(run.topic(alert).data).toHaveLength(1)
})

test('settled says which agent it waited for in vain; time that passes ends the attempt', async () => {
  const hangs = agent('hangs', { version: 1, from: demand, timeout: '30s', retry: { attempts: 1 } }, () => new Promise<undefined>(() => {}))
  await using run = await testPipeline(pipeline('p', { agents: [hangs] }), { patienceMs: 50 })
  await run.send(demand, { station: 'n', megawatts: 1 })
  await expect(run.settled()).rejects.toThrow(/waited 50 ms for hangs@1/)
  await run.clock.advance('30s')
  expect(run.deadLetters).toMatchObject([{ error: { code: 'HANDLER_TIMEOUT' } }])
})

test('bytes topics and addressed outputs work as in production', async () => {
  const video = topic('video', bytes())
  const brightness = topic('brightness', z.object({ mean: z.number() }))
  const thumbs = topic('thumbs', bytes())
  const look = agent('look', { version: 1, from: video, to: [brightness, thumbs] }, frame => [
    out(brightness, { mean: frame.reduce((sum, byte) => sum + byte, 0) / frame.length }),
    out(thumbs, frame.subarray(0, 2)),
  ])
  await using run = await testPipeline(pipeline('p', { agents: [look] }))
  await run.send(video, Buffer.from([10, 200, 255, 3]))
  await run.settled()
  expect(run.topic(brightness).data).toEqual([{ mean: 117 }])
  expect(run.topic(thumbs).data.map(thumb => [...thumb])).toEqual([[10, 200]])
})

test('a topic or agent of another pipeline is a mistake that is named', async () => {
  await using run = await testPipeline(grid)
  expect(() => run.topic(topic('other', z.string()))).toThrow("no topic 'other'")
  await expect(run.crash(agent('stranger', { version: 1, from: demand }, () => undefined))).rejects.toThrow('no agent stranger@1')
})
