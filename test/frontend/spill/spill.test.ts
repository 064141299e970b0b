import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openEmbedded } from '../../../src/engine/embedded/index.ts'
import { type DataId, mint } from '../../../src/envelope/data-id.ts'
import { MillraceError } from '../../../src/errors.ts'
import type { SpillEngine } from '../../../src/frontend/spill/spill.ts'
import { SpillFull } from '../../../src/frontend/spill/spill-full.ts'
import { eventually, within } from '../../../src/testing/framework.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { batch, texts } from '../../../src/testing/suite-data.ts'
import { type Behaviour, ScriptedStream } from './scripted-stream.ts'
import { direct, hurried, MB, spills } from './spills.ts'

const { directory, open } = spills()

test('while the stream takes appends nothing is kept on disk', async () => {
  const { spill, stream, directory } = await open()
  const [appended] = await spill.append([batch('demand', 1, ['a', 'b'])])
  expect(appended).toEqual({ first: 0, count: 2, duplicates: [], taken: [] })
  expect(stream.texts('demand', 1)).toEqual(['a', 'b'])
  expect(spill.status()).toMatchObject({ state: 'direct', data: 0, full: false, sinceMs: 0 })
  expect(existsSync(join(directory, 'log'))).toBe(false)
})

test('what is appended while the stream is away is accepted, kept on disk, and goes to the stream in order when it is back', async () => {
  const opened = await open()
  const { spill, stream, directory, facts, notices } = opened
  await spill.append([batch('demand', 0, ['before'])])
  stream.behaviour = 'away'
  for (const text of texts('d', 20)) await spill.append([batch('demand', 0, [text]), batch('demand', 3, [`other ${text}`])])
  expect(stream.texts('demand', 0)).toEqual(['before'])
  expect(spill.status()).toMatchObject({ state: 'spilling', data: 40, full: false, reason: 'No broker answers.' })
  expect(readdirSync(join(directory, 'log')).length).toBeGreaterThan(0)
  stream.behaviour = 'up'
  await direct(opened)
  await spill.append([batch('demand', 0, ['after'])])
  expect(stream.texts('demand', 0)).toEqual(['before', ...texts('d', 20), 'after'])
  expect(stream.texts('demand', 3)).toEqual(texts('other d', 20))
  expect(facts.reduce((sum, fact) => sum + fact.spilled, 0)).toBe(40)
  expect(facts.reduce((sum, fact) => sum + fact.drained, 0)).toBe(40)
  expect(facts.at(-1)).toEqual({ data: 0, bytes: 0, spilled: 0, drained: 0 })
  expect(Math.max(...facts.map(fact => fact.bytes))).toBeGreaterThan(0)
  expect(notices).toEqual([
    `The stream is away, and data are spilled to ${join(directory, 'log')}: No broker answers.`,
    expect.stringMatching(/^The stream is back, and has everything/),
  ])
})

const silent: readonly [Behaviour, number][] = [
  ['hanging', 1],
  ['answers-lost', 2],
  ['unknown', 2],
]
for (const [behaviour, copies] of silent) {
  test(`an append to a stream that is ${behaviour} is kept, and is in the stream ${copies === 1 ? 'once' : 'twice, under one id'}`, async () => {
    const opened = await open()
    opened.stream.behaviour = behaviour
    await within('the append is accepted', opened.spill.append([batch('demand', 0, ['a'])]))
    expect(opened.spill.status().state).toBe('spilling')
    opened.stream.behaviour = 'up'
    await direct(opened)
    expect(opened.stream.texts('demand', 0).length).toBeGreaterThanOrEqual(copies)
    expect(opened.stream.distinct('demand', 0)).toEqual(['a'])
  })
}

test('what the stream has in hand without an answer is not sent again: a long outage makes no heap of copies', async () => {
  const opened = await open({ clock: hurried, appendTimeoutMs: 500, sendTimeoutMs: 24 * 3_600_000 })
  const { spill, stream } = opened
  stream.behaviour = 'queueing'
  await spill.append([batch('demand', 0, ['a'])])
  // Five times what a drain waits for an answer.
  const until = hurried.now() + 5 * 3 * 500 + 60_000
  await eventually('the stream has been asked for a while', () => (hurried.now() > until ? true : undefined))
  // What the producer's own append is, and one of the spill.
  expect(stream.appends).toEqual([1, 1])
  stream.work()
  await direct(opened)
  expect(stream.texts('demand', 0)).toEqual(['a', 'a'])
})

test('what waits is drained in large batches', async () => {
  const opened = await open()
  opened.stream.behaviour = 'away'
  const all = texts('d', 5_000)
  for (let at = 0; at < all.length; at += 20) await opened.spill.append([batch('demand', 0, all.slice(at, at + 20))])
  opened.stream.appends.length = 0
  opened.stream.behaviour = 'up'
  await direct(opened)
  expect(opened.stream.texts('demand', 0)).toEqual(all)
  expect(opened.stream.appends.length).toBeLessThan(30)
})

test('what is the caller’s to hear passes through, and nothing is spilled for it', async () => {
  const { spill, stream } = await open()
  for (const code of ['TOPIC_UNKNOWN', 'BODY_TOO_LARGE', 'STREAM_DENIED', 'OVERLOADED'] as const) {
    stream.refuses = () => new MillraceError(code, 'no')
    await refused(code, code, () => spill.append([batch('demand', 0, ['a'])]))
    expect(spill.status().state).toBe('direct')
  }
})

test('a full spill says so, is full until it has drained, and then goes on', async () => {
  const opened = await open({ maxBytes: 2 * MB })
  const { spill, stream, notices } = opened
  stream.behaviour = 'away'
  const accepted: string[] = []
  const large = 'x'.repeat(100_000)
  const error = await eventually('the spill is full', async () => {
    const text = `${accepted.length}:${large}`
    try {
      await spill.append([batch('demand', 0, [text])])
    } catch (error) {
      return error
    }
    accepted.push(text)
    return undefined
  })
  expect(error).toBeInstanceOf(SpillFull)
  expect(error).toMatchObject({
    code: 'OVERLOADED',
    retryable: true,
    retryAfterSeconds: 10,
    message: expect.stringContaining('its limit is 2 MB'),
  })
  expect(accepted.length).toBeGreaterThan(5)
  await refused('the next', 'OVERLOADED', () => spill.append([batch('demand', 1, [large])]))
  expect(spill.status()).toMatchObject({ full: true, data: accepted.length })
  expect(notices.filter(text => text.includes('The spill is full (2 MB)'))).toHaveLength(1)
  stream.behaviour = 'up'
  await direct(opened)
  expect(spill.status().full).toBe(false)
  await spill.append([batch('demand', 0, ['after'])])
  expect(stream.distinct('demand', 0)).toEqual([...accepted, 'after'])
})

test('a disk that fails accepts nothing, and the stream is tried again', async () => {
  let opens = 0
  const opened = await open({
    openLog: async at => {
      if (opens++ > 0) throw new MillraceError('CONFIG_INVALID', 'The disk is gone.')
      return openEmbedded(at)
    },
  })
  const { spill, stream } = opened
  stream.behaviour = 'away'
  await refused('an append with neither stream nor disk', 'CONFIG_INVALID', () => spill.append([batch('demand', 0, ['a'])]))
  stream.behaviour = 'up'
  await direct(opened)
  await spill.append([batch('demand', 0, ['b'])])
  expect(stream.texts('demand', 0)).toEqual(['b'])
})

test('a log that can no longer be written is opened anew, and what it held goes on', async () => {
  let fails = false
  const opened = await open({
    openLog: async at => {
      const engine = await openEmbedded(at)
      // A writer's thread that ends cannot be had on demand.
      const whole = engine.append.bind(engine)
      const append: SpillEngine['append'] = batches => {
        if (!fails) return whole(batches)
        fails = false
        return Promise.reject(new MillraceError('ENGINE_FAILED', 'The writer has gone away.'))
      }
      return Object.assign(engine, { append })
    },
  })
  const { spill, stream, notices } = opened
  stream.behaviour = 'away'
  await spill.append([batch('demand', 0, ['a'])])
  fails = true
  await refused('an append to a broken log', 'ENGINE_FAILED', () => spill.append([batch('demand', 0, ['lost'])]))
  await eventually('the log is opened anew', () => (notices.some(text => text.includes('cannot be used')) ? true : undefined))
  await spill.append([batch('demand', 0, ['b'])])
  stream.behaviour = 'up'
  await direct(opened)
  expect(stream.distinct('demand', 0)).toEqual(['a', 'b'])
})

test('what the stream refuses for good is kept and told, holds up no other partition, and goes once it is mended', async () => {
  const opened = await open({ clock: hurried, appendTimeoutMs: 5_000 })
  const { spill, stream, notices } = opened
  stream.behaviour = 'away'
  for (const text of texts('d', 5)) for (const partition of [0, 1, 2]) await spill.append([batch('demand', partition, [text])])
  stream.refuses = batches =>
    batches.some(({ partition }) => partition === 1) ? new MillraceError('STREAM_DENIED', 'May not write.') : undefined
  stream.behaviour = 'up'
  await eventually('the others are in the stream', () =>
    stream.texts('demand', 2).length === 5 && stream.texts('demand', 0).length === 5 ? true : undefined,
  )
  await eventually('it is told', () => (spill.status().reason?.includes('May not write.') ? true : undefined))
  expect(notices.some(text => text.includes("topic 'demand', partition 1,"))).toBe(true)
  expect(spill.status()).toMatchObject({ data: 5 })
  await spill.append([batch('demand', 1, ['behind']), batch('demand', 0, ['beside'])])
  await eventually('its neighbours go on', () => (stream.texts('demand', 0).includes('beside') ? true : undefined))
  stream.refuses = () => undefined
  await direct(opened)
  expect(stream.texts('demand', 1)).toEqual([...texts('d', 5), 'behind'])
})

test('a datum that the stream will not take is refused before it is kept', async () => {
  const opened = await open({ maxDatumBytes: 1_000 })
  const { spill, stream } = opened
  stream.behaviour = 'away'
  await spill.append([batch('demand', 0, texts('small', 100))])
  await refused('too large a datum', 'BODY_TOO_LARGE', () => spill.append([batch('demand', 0, ['x'.repeat(1_001)])]))
  expect(spill.status().data).toBe(100)
})

test('a copy under a supplied id is a duplicate while the first is kept, and another source’s id is taken', async () => {
  const opened = await open()
  const { spill, stream } = opened
  const id: DataId = mint(Date.now())
  stream.behaviour = 'away'
  await spill.append([batch('demand', 0, [{ text: 'a', id, supplied: true, source: 'one' }])])
  const [again] = await spill.append([batch('demand', 0, [{ text: 'a', id, supplied: true, source: 'one' }, 'b'])])
  expect(again).toMatchObject({ count: 1, duplicates: [0], taken: [] })
  const [other] = await spill.append([batch('demand', 0, [{ text: 'c', id, supplied: true, source: 'two' }])])
  expect(other).toMatchObject({ count: 0, duplicates: [], taken: [0] })
  stream.behaviour = 'up'
  await direct(opened)
  expect(stream.texts('demand', 0)).toEqual(['a', 'b'])
})

test('topics that come during an outage are kept too; others are unknown', async () => {
  const opened = await open()
  const { spill, stream } = opened
  stream.behaviour = 'away'
  await spill.append([batch('demand', 0, ['a'])])
  await refused('an unknown topic', 'TOPIC_UNKNOWN', () => spill.append([batch('notes', 0, ['x'])]))
  await spill.ensure([
    { name: 'demand', partitions: 4 },
    { name: 'notes', partitions: 2 },
  ])
  await spill.append([batch('notes', 1, ['n']), batch('demand', 0, ['b'])])
  stream.behaviour = 'up'
  await direct(opened)
  expect(stream.texts('demand', 0)).toEqual(['a', 'b'])
  expect(stream.texts('notes', 1)).toEqual(['n'])
})

test('closing drains what it can', async () => {
  const { spill, stream } = await open()
  stream.behaviour = 'away'
  await spill.append([batch('demand', 0, ['a'])])
  stream.behaviour = 'up'
  expect(await spill.close(10_000)).toBe(0)
  expect(stream.texts('demand', 0)).toEqual(['a'])
})

test('closing leaves on disk what the stream does not take, says how much and where, and the next start sends it before anything new', async () => {
  const at = directory()
  const first = await open({ directory: at })
  first.stream.behaviour = 'hanging'
  for (const text of texts('d', 30)) await first.spill.append([batch('demand', 2, [text])])
  expect(await within('it closes', first.spill.close(50))).toBe(30)
  expect(first.notices.at(-1)).toMatch(new RegExp(`^30 data .* wait in ${join(at, 'log')} `))
  await refused('an append to a closed spill', 'SHUTTING_DOWN', () => first.spill.append([batch('demand', 2, ['late'])]))
  // Declared anew with more partitions: what waits goes where it was meant to.
  const second = await open({ directory: at, topics: [{ name: 'demand', partitions: 8 }] })
  expect(second.spill.status()).toMatchObject({ state: 'spilling', data: 30 })
  await second.spill.append([batch('demand', 2, ['new']), batch('demand', 7, ['seven'])])
  await direct(second)
  expect(second.stream.distinct('demand', 2)).toEqual([...texts('d', 30), 'new'])
  expect(second.stream.texts('demand', 7)).toEqual(['seven'])
})

test('what was on disk when the power went is all that was accepted', async () => {
  const first = await open()
  first.stream.behaviour = 'away'
  const accepted = texts('d', 200)
  for (const text of accepted) await first.spill.append([batch('demand', 0, [text])])
  const copy = directory()
  cpSync(join(first.directory, 'log'), join(copy, 'log'), { recursive: true })
  const second = await open({ directory: copy })
  await direct(second)
  expect(second.stream.texts('demand', 0)).toEqual(accepted)
})

test('a batch that the stream finds too large is taken apart, down to the datum that it will not take', async () => {
  const opened = await open({ clock: hurried, appendTimeoutMs: 5_000 })
  const { spill, stream } = opened
  stream.behaviour = 'away'
  const data = Array.from({ length: 60 }, (_, i) => `${i}:${'x'.repeat(i === 40 ? 60_000 : 20_000)}`)
  await spill.append([batch('demand', 0, data)])
  await spill.append([batch('demand', 0, ['behind']), batch('demand', 1, ['beside'])])
  stream.refuses = batches => {
    const isTooLarge = batches.some(({ frames }) => frames.length > 50_000)
    return isTooLarge ? new MillraceError('BODY_TOO_LARGE', 'More than the topic takes.') : undefined
  }
  stream.behaviour = 'up'
  await eventually('all before it is in the stream', () => (stream.texts('demand', 0).length === 40 ? true : undefined))
  await eventually('its neighbours go on', () => (stream.texts('demand', 1).length === 1 ? true : undefined))
  stream.refuses = () => undefined
  await direct(opened)
  expect(stream.texts('demand', 0)).toEqual([...data, 'behind'])
})

test('a damaged batch holds up its own partition and no other, and is told', async () => {
  const at = directory()
  const first = await open({ directory: at })
  first.stream.behaviour = 'away'
  await first.spill.append([batch('demand', 0, ['damaged soon']), batch('demand', 1, ['whole'])])
  await first.spill.close(0)
  const file = join(at, 'log', 'millrace.db')
  const bytes = readFileSync(file)
  bytes.write('D', bytes.indexOf('damaged soon'))
  writeFileSync(file, bytes)
  const second = await open({ directory: at })
  await eventually('the other is in the stream', () => (second.stream.texts('demand', 1).includes('whole') ? true : undefined))
  await eventually('it is told', () => (second.spill.status().reason?.includes('the checksum') ? true : undefined))
  expect(second.spill.status()).toMatchObject({ data: 1 })
  expect(second.notices.some(text => text.startsWith("1 data of topic 'demand', partition 0, were accepted"))).toBe(true)
})

test('without a spill the stream’s errors pass through as they are', async () => {
  const { spill, stream, directory } = await open({ maxBytes: 0 })
  await spill.append([batch('demand', 0, ['a'])])
  stream.behaviour = 'away'
  await refused('an append', 'STREAM_UNAVAILABLE', () => spill.append([batch('demand', 0, ['b'])]))
  expect(spill.status()).toMatchObject({ state: 'direct', maxBytes: 0 })
  expect(readdirSync(directory)).toEqual([])
})

test('a spill that is switched off while data wait in it is refused, and they are still there', async () => {
  const at = directory()
  const first = await open({ directory: at })
  first.stream.behaviour = 'away'
  await first.spill.append([batch('demand', 0, ['a'])])
  await first.spill.close(0)
  await refused('switching it off', 'CONFIG_INVALID', () => open({ directory: at, maxBytes: 0 }))
  const second = await open({ directory: at })
  await direct(second)
  expect(second.stream.texts('demand', 0)).toEqual(['a'])
})

test('two processes cannot have one spill', async () => {
  const at = directory()
  const first = await open({ directory: at })
  first.stream.behaviour = 'away'
  await first.spill.append([batch('demand', 0, ['a'])])
  await refused('a second', 'DATA_DIRECTORY_LOCKED', () => open({ directory: at, stream: new ScriptedStream() }))
})

test('a limit too small to keep anything is a mistake', async () => {
  await expect(open({ maxBytes: 10 })).rejects.toThrow(TypeError)
})
