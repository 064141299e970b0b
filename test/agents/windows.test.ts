import { agent, cache, pipeline, testPipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { Fold, type FoldingAgent } from '../../src/agents/fold.ts'
import { rebuildFold } from '../../src/agents/fold-rebuild.ts'
import { openInMemory } from '../../src/engine/embedded/index.ts'
import type { Snapshot } from '../../src/engine/engine.ts'
import { send } from '../../src/testing/send.ts'
import { sceneOf } from './scene.ts'

const reading = topic('reading', z.object({ key: z.string(), n: z.number() }), { key: d => d.key, partitions: 1 })
const seen = topic('seen', z.object({ key: z.string(), window: z.array(z.number()), sum: z.number() }), { key: d => d.key })
const latest = cache('latest', z.object({ key: z.string(), sum: z.number() }), { key: v => v.key })
const sum = { init: () => 0, update: (state: number, datum: { n: number }) => state + datum.n }
const readings = (key: string, first: number, end: number) => Array.from({ length: end - first }, (_, i) => ({ key, n: first + i }))

const look = agent('look', { version: 1, from: reading, to: seen, by: d => d.key, window: 3, state: sum }, (d, { window, state }) => ({
  key: d.key,
  window: window.map(other => other.n),
  sum: state,
}))

// It has a window and a state, so it has a key.
const folding = look as FoldingAgent

test('after a crash windows and states are as if nothing had happened', async () => {
  await using run = await testPipeline(pipeline('p', { agents: [look] }))
  await run.send(reading, readings('a', 1, 6))
  await run.settled()
  await run.crash(look)
  await run.send(reading, readings('a', 6, 7))
  await run.settled()
  expect(run.topic(seen).data.at(-1)).toEqual({ key: 'a', window: [4, 5, 6], sum: 21 })
})

test('the window belongs to the datum, not to its success: a failed one is in the windows after it', async () => {
  const picky = agent(
    'picky',
    { version: 1, from: reading, to: seen, by: d => d.key, window: 3, state: sum, retry: { attempts: 1 } },
    (d, { window, state }) => {
      if (d.n === 2) throw new Error('not this one')
      return { key: d.key, window: window.map(other => other.n), sum: state }
    },
  )
  await using run = await testPipeline(pipeline('p', { agents: [picky] }))
  await run.send(reading, readings('a', 1, 4))
  await run.settled()
  expect(run.topic(seen).data).toEqual([
    { key: 'a', window: [1], sum: 1 },
    { key: 'a', window: [1, 2, 3], sum: 6 },
  ])
})

test('an attempt that is tried again sees the window and state of the first', async () => {
  const windows: number[][] = []
  const retried = agent(
    'retried',
    { version: 1, from: reading, by: d => d.key, window: 2, ordered: false, retry: { backoff: '10s' } },
    (d, { window, attempt }) => {
      if (d.n !== 2) return
      windows.push(window.map(other => other.n))
      if (attempt === 1) throw new Error('once')
    },
  )
  await using run = await testPipeline(pipeline('p', { agents: [retried] }))
  await run.send(reading, readings('a', 1, 5))
  await run.settled()
  await run.clock.advance('10s')
  expect(windows).toEqual([
    [1, 2],
    [1, 2],
  ])
})

test('an output names the datum handled first, then the rest of its window, newest first', async () => {
  await using run = await testPipeline(pipeline('p', { agents: [look] }))
  const receipts = await run.send(reading, readings('a', 1, 6))
  await run.settled()
  const ids = receipts.map(receipt => receipt.dataId)
  expect(run.topic(seen).envelopes.map(envelope => envelope.parents)).toEqual([
    [ids[0]],
    [ids[1], ids[0]],
    [ids[2], ids[1], ids[0]],
    [ids[3], ids[2], ids[1]],
    [ids[4], ids[3], ids[2]],
  ])
})

test('a replayed datum sees its key as it is now, itself last, and is not counted again', async () => {
  let works = false
  const picky = agent(
    'picky',
    { version: 1, from: reading, to: seen, by: d => d.key, window: 3, state: sum, retry: { attempts: 1 } },
    (d, c) => {
      if (d.n === 2 && !works) throw new Error('not yet')
      return { key: d.key, window: c.window.map(other => other.n), sum: c.state }
    },
  )
  await using run = await testPipeline(pipeline('p', { agents: [picky] }))
  await run.send(reading, readings('a', 1, 6))
  await run.settled()
  works = true
  await run.replay()
  await run.settled()
  expect(run.topic(seen).data.at(-1)).toEqual({ key: 'a', window: [4, 5, 2], sum: 15 })
  await run.send(reading, { key: 'a', n: 6 })
  await run.settled()
  expect(run.topic(seen).data.at(-1)).toEqual({ key: 'a', window: [4, 5, 6], sum: 21 })
})

test('a cache holds what the fold says, once for each datum, also after crashes', async () => {
  const total = agent('total', { version: 1, from: reading, to: latest, by: d => d.key, state: sum }, (d, { state }) => ({
    key: d.key,
    sum: state,
  }))
  await using run = await testPipeline(pipeline('p', { agents: [total] }))
  for (let n = 1; n <= 20; n++) {
    await run.send(reading, { key: 'a', n })
    if (n % 3 === 0) await run.crash(total)
  }
  await run.settled()
  expect(run.cache(latest)).toEqual(new Map([['a', { key: 'a', sum: 210 }]]))
})

test('a snapshot saves reading the log again, is never ahead of what is committed, and no handler runs for it', async () => {
  const snapshots: Snapshot[] = []
  const reads: number[] = []
  let handled = 0
  const count = agent('count', { version: 1, from: reading, to: latest, by: d => d.key, state: sum }, (d, { state }) => {
    handled++
    return { key: d.key, sum: state }
  })
  await using run = await sceneOf(pipeline('p', { agents: [count] }), engine => ({
    commit: async unit => {
      for (const snapshot of unit.snapshots) {
        expect(snapshot.offset).toBe(unit.checkpoints[0]!.checkpoint.offset)
        snapshots.push(snapshot)
      }
      return engine.commit(unit)
    },
    read: (...asked) => {
      if (asked[0] === 'reading') reads.push(asked[2])
      return engine.read(...asked)
    },
  }))
  await run.settled()
  for (let n = 0; n < 25; n++) await run.send(reading, readings('a', n * 1_000, (n + 1) * 1_000))
  await run.settled()
  expect(snapshots.length).toBeGreaterThan(0)
  reads.length = 0
  await run.crash(count)
  await run.send(reading, { key: 'a', n: 0 })
  await run.settled()
  expect(handled).toBe(25_001)
  expect(run.cache(latest).get('a')!.sum).toBe((24_999 * 25_000) / 2)
  // The test itself reads on from the end; the fold began at the snapshot.
  expect(Math.min(...reads)).toBe(snapshots.at(-1)!.offset)
})

test('a state survives a crash on a topic so slow that retention has taken most of what it was folded from', async () => {
  const slow = topic('slow', z.object({ key: z.string(), n: z.number() }), { key: d => d.key, partitions: 1, retention: '1h' })
  const add = agent('add', { version: 1, from: slow, to: latest, by: d => d.key, state: sum }, (d, { state }) => ({
    key: d.key,
    sum: state,
  }))
  await using run = await testPipeline(pipeline('p', { agents: [add] }))
  for (let n = 0; n < 5; n++) {
    await run.send(slow, { key: 'a', n: 1 })
    await run.clock.advance('30m')
  }
  await run.crash(add)
  await run.send(slow, { key: 'a', n: 1 })
  await run.settled()
  expect(run.cache(latest).get('a')).toEqual({ key: 'a', sum: 6 })
})

test('a datum that waits is run again with the window that it had, though data after it were folded and committed', async () => {
  let broken = true
  const snapshots: number[] = []
  const windows = new Map<number, number[]>()
  const patient = agent(
    'patient',
    { version: 1, from: reading, by: d => d.key, window: 3, ordered: false, retry: { backoff: '1m' } },
    (d, c) => {
      if (d.n === 15_000 && broken) throw new Error('broken')
      windows.set(
        d.n,
        c.window.map(other => other.n),
      )
    },
  )
  await using run = await sceneOf(pipeline('p', { agents: [patient] }), engine => ({
    commit: async unit => {
      for (const snapshot of unit.snapshots) snapshots.push(snapshot.offset)
      return engine.commit(unit)
    },
  }))
  for (let n = 0; n < 24; n++) await run.send(reading, readings('a', n * 1_000, (n + 1) * 1_000))
  await run.settled()
  // A snapshot was due at 20,000: it would have shown the waiting datum its own future.
  expect([windows.size, snapshots]).toEqual([23_999, []])
  windows.clear()
  await run.crash(patient)
  broken = false
  await run.send(reading, { key: 'a', n: 24_000 })
  await run.settled()
  expect([...windows]).toEqual([
    [15_000, [14_998, 14_999, 15_000]],
    [24_000, [23_998, 23_999, 24_000]],
  ])
})

test('a snapshot from beyond the committed offset is left aside', async () => {
  const { place, engine, close } = await rebuildScene()
  const beyond = new Fold(folding, false)
  beyond.take({ key: 'a', n: 99 }, Buffer.alloc(16), 0)
  const fold = await rebuildFold(
    folding,
    reading,
    place,
    'look@1',
    { ...engine, snapshot: async () => ({ ...place, group: 'look@1', offset: 4, bytes: beyond.snapshot() }) },
    new AbortController().signal,
  )
  expect(fold.take({ key: 'a', n: 7 }, Buffer.alloc(16), 0)).toMatchObject({ window: [{ n: 1 }, { n: 2 }, { n: 7 }], state: 10 })
  await close()
})

/** Four readings, of which three (0, 1, 2) are committed. */
async function rebuildScene() {
  const engine = await openInMemory()
  await engine.ensure([reading.spec])
  await send(engine, reading, readings('a', 0, 4), 0)
  const checkpoint = { offset: 3, first: 0, done: 3, dead: 0, duplicate: 0, lost: 0, edition: 1 }
  return {
    close: () => engine.close(),
    engine: { read: engine.read.bind(engine), capabilities: engine.capabilities },
    place: { topic: 'reading', partition: 0, checkpoint },
  }
}
