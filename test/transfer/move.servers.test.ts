import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { DistributedEngine } from '../../src/engine/distributed/index.ts'
import { viewEmbedded } from '../../src/engine/embedded/index.ts'
import { connect } from '../../src/runtime/distributed.ts'
import { noteBegun, noteComplete, readMove } from '../../src/runtime/move/move-log.ts'
import type { GroupedStream } from '../../src/stream/stream.ts'
import { millrace, start } from '../cli/millrace.ts'
import { audit } from '../faults/audit.ts'
import { FAULT_PIPELINE, until } from '../faults/harness.ts'
import { Millrace } from '../faults/millrace.ts'
import { Producer } from '../faults/producer.ts'
import { seeded, seedOf } from '../faults/random.ts'
import { servers } from '../servers/shared.ts'
import { behind } from './running.ts'

const READY_MS = 90_000
const context = { pipeline: 'faults', clock: systemClock, held: () => undefined, warn: () => undefined }

/** How far a move has come, as the target shows it, in its order. */
function stages(stream: GroupedStream): [string, () => Promise<boolean>][] {
  const data = async (topic: string) => {
    if (!(await stream.topics()).some(({ name }) => name === topic)) return 0
    return (await stream.bounds(topic)).reduce((sum, { next }) => sum + next, 0)
  }
  return [
    ['it has begun', async () => (await readMove(stream)).state === 'begun'],
    ['readings are there', async () => (await data('readings')) > 0],
    ['a cache is there', async () => (await data('_cache.latest-totals')) > 0],
    ['a snapshot is there', async () => (await data('_snapshots')) > 0],
    ['a group stands where it stood', async () => (await stream.places()).some(({ checkpoint }) => checkpoint.offset > 0)],
  ]
}

it('a pipeline under load moves to Kafka and Redis, is killed at each stage, and loses and doubles nothing', {
  timeout: 600_000,
}, async () => {
  const random = seeded(seedOf('move-to-servers'))
  const at = mkdtempSync(join(tmpdir(), 'millrace-move-'))
  onTestFinished(() => rmSync(at, { recursive: true, force: true }))
  const [data, lake] = [join(at, 'data'), join(at, 'lake')]
  const prefix = `m${randomBytes(5).toString('hex')}`
  const { kafka, redis } = servers()
  const [stream, trace] = [`kafka://${kafka}?prefix=${prefix}.`, `${redis}?prefix=${prefix}:`]
  const to = ['--stream', stream, '--trace', trace]
  const env = { FAULT_LAKE: lake }

  let running: Millrace | undefined
  const begin = async (flags: readonly string[]) => {
    const begun = new Millrace({ file: FAULT_PIPELINE, data, args: ['start', ...flags], env, readyMs: READY_MS })
    onTestFinished(() => begun[Symbol.asyncDispose]())
    running = begun
    await begun.ready
    return begun
  }
  const producers = Array.from({ length: 3 }, (_, i) => {
    const url = async () => {
      // While it moves there is nowhere to send: as good as a connection refused.
      if (running === undefined) throw new Error('not running')
      return (await running.ready).listen
    }
    return new Producer(String(i + 1), url, random, { lines: 40, pauseMs: 60 })
  })
  onTestFinished(() => {
    for (const producer of producers) producer.abandon()
  })
  const acknowledged = () => producers.reduce((sum, producer) => sum + producer.acknowledged.size, 0)

  const embedded = await begin([])
  for (const producer of producers) producer.start()
  await until('there is something to move', 60_000, () => acknowledged() > 4_000)
  expect(await embedded.stop(), embedded.errors).toBe(0)
  running = undefined
  const before = acknowledged()

  const target = await connect({ stream: { url: stream }, trace: { url: trace } }, context)
  const engine = new DistributedEngine({ ...target, clock: systemClock })
  onTestFinished(() => engine.close())
  for (const [stage, reached] of stages(target.stream)) {
    await using moving = start(['move', FAULT_PIPELINE, '--data', data, ...to], { env })
    const ended = moving.ended.then(() => true)
    await until(stage, 90_000, async () => (await reached()) || (await Promise.race([ended, false])))
    // What a stage leaves is there at once the next time: then it is killed anywhere.
    await sleep(random() * 3_000)
    moving.process.kill('SIGKILL')
    const { code, stderr } = await moving.ended
    const { state } = await readMove(target.stream)
    console.log(`once ${stage}: ${code === null ? 'killed' : `ended with ${code}: ${stderr}`}, the move is ${state}`)
    // Killed between its last word on the stream and its end it is complete.
    expect(code === null ? ['begun', 'complete'] : ['complete']).toContain(state)
  }
  const moved = await millrace(['move', FAULT_PIPELINE, '--data', data, ...to, '--json'], { env })
  expect(moved.code, moved.stderr).toBe(0)
  const source = viewEmbedded(data)
  for (const { topic, data: count } of JSON.parse(moved.stdout).topics) {
    expect(count).toBe((await source.bounds(topic)).reduce((sum, { first, next }) => sum + next - first, 0))
  }
  await source.close()

  const distributed = await begin(to)
  await until('it goes on', 60_000, () => acknowledged() > before + 2_000)
  await Promise.all(producers.map(producer => producer.stop()))
  const { default: pipeline } = await import('../faults/pipeline.ts')
  await until('all of it is handled', 120_000, async () => (await behind(engine, pipeline)) === 0)
  expect(await distributed.stop(), distributed.errors).toBe(0)
  expect(await audit(engine, lake, producers)).toEqual([])
  expect((await engine.standings()).every(({ checkpoint }) => checkpoint.first === 0)).toBe(true)
  console.log(`${acknowledged()} acknowledged, ${before} of them before the move`)
})

it('nothing starts on a stream that a pipeline is half moved to', { timeout: 300_000 }, async () => {
  const at = mkdtempSync(join(tmpdir(), 'millrace-move-'))
  onTestFinished(() => rmSync(at, { recursive: true, force: true }))
  const prefix = `m${randomBytes(5).toString('hex')}`
  const { kafka, redis } = servers()
  const connections = { stream: { url: `kafka://${kafka}?prefix=${prefix}.` }, trace: { url: `${redis}?prefix=${prefix}:` } }
  const { stream, trace } = await connect(connections, context)
  try {
    await noteBegun(stream, systemClock, 'a log', 'its content')
    const flags = ['--stream', connections.stream.url, '--trace', connections.trace.url, '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0']
    const options = { env: { FAULT_LAKE: join(at, 'lake') }, cwd: at }
    const refused = await millrace(['start', FAULT_PIPELINE, ...flags], options)
    expect(refused.code, refused.stderr).toBe(5)
    expect(refused.stderr).toContain('A pipeline is being moved to this stream')
    await noteComplete(stream, systemClock)
    await using running = start(['start', FAULT_PIPELINE, ...flags], options)
    await running.until(/faults is running/)
  } finally {
    await Promise.all([stream.close(), trace.close()])
  }
})
