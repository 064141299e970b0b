import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { jsonCodec } from '../../../src/envelope/codecs/json.ts'
import { MillraceError } from '../../../src/errors.ts'
import { RefusedFiles } from '../../../src/frontend/spill/refused-files.ts'
import type { Taken } from '../../../src/frontend/spill/spill-log.ts'
import { eventually } from '../../../src/testing/framework.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { batch, texts } from '../../../src/testing/suite-data.ts'
import { direct, hurried, MB, type Opened, spills } from './spills.ts'

const { directory, open } = spills()

/** The data set aside, in the order of their files. */
function setAside(at: string): { text: string; topic: string | undefined }[] {
  const folder = join(at, 'refused')
  return readdirSync(folder)
    .sort()
    .flatMap(name => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
    .map(line => jsonCodec.decode(Buffer.from(line)))
    .map(({ data, type }) => ({ text: Buffer.from(data).toString(), topic: type }))
}

/** The stream refuses everything for a partition. */
function deny({ stream }: Opened, partition: number): void {
  stream.refuses = batches =>
    batches.some(batch => batch.partition === partition) ? new MillraceError('STREAM_DENIED', 'May not write.') : undefined
}

test('what is refused for longer than the grace is set aside, and all else is direct again, with its room given back', async () => {
  const opened = await open({ clock: hurried, appendTimeoutMs: 5_000, refusedGraceMs: 60_000 })
  const { spill, stream, directory, notices, facts } = opened
  stream.behaviour = 'away'
  for (const text of texts('d', 5)) for (const partition of [0, 1, 2]) await spill.append([batch('demand', partition, [text])])
  deny(opened, 1)
  stream.behaviour = 'up'
  await direct(opened)
  expect([0, 1, 2].map(partition => stream.texts('demand', partition))).toEqual([texts('d', 5), [], texts('d', 5)])
  expect(setAside(directory)).toEqual(texts('d', 5).map(text => ({ text, topic: 'demand' })))
  await spill.append([batch('demand', 0, ['after'])])
  expect(stream.texts('demand', 0).at(-1)).toBe('after')
  await refused('what would be refused too', 'STREAM_DENIED', () => spill.append([batch('demand', 1, ['no more'])]))
  expect(spill.status()).toMatchObject({ state: 'direct', data: 0, refused: { files: 1, path: join(directory, 'refused') } })
  expect(notices.filter(text => text.includes('set aside in'))).toEqual([
    expect.stringMatching(/^5 data of topic 'demand', partition 1, .*May not write\. .*\/refused\/demand-of-4-1-\d+-0\.ndjson\./),
  ])
  expect(notices.at(-1)).toContain(`but 5 data that it refuses and that are in ${join(directory, 'refused')}`)
  expect(facts.reduce((sum, fact) => sum + fact.drained, 0)).toBe(10)
  rmSync(join(directory, 'refused'), { recursive: true })
  expect(spill.status().refused).toBeUndefined()
})

test('producers are told of a partition that takes nothing, though others are still kept for it', async () => {
  const opened = await open({ clock: hurried, appendTimeoutMs: 5_000, refusedGraceMs: 60_000 })
  const { spill, stream } = opened
  stream.behaviour = 'away'
  await spill.append([batch('demand', 0, ['a']), batch('demand', 1, ['b'])])
  stream.refuses = batches => {
    if (batches.some(({ partition }) => partition === 1)) return new MillraceError('STREAM_DENIED', 'May not write.')
    return new MillraceError('STREAM_UNAVAILABLE', 'No leader.')
  }
  await eventually('it is set aside', () => spill.status().refused?.files === 1 || undefined)
  expect(spill.status().state).not.toBe('direct')
  await refused('more for it', 'STREAM_DENIED', () => spill.append([batch('demand', 1, ['c'])]))
  await spill.append([batch('demand', 0, ['d'])])
  deny(opened, 1)
  stream.behaviour = 'up'
  await direct(opened)
  expect(stream.texts('demand', 0)).toEqual(['a', 'd'])
})

test('a datum that is too large is set aside alone: what is behind it goes on in order', async () => {
  const opened = await open({ clock: hurried, appendTimeoutMs: 5_000, refusedGraceMs: 60_000 })
  const { spill, stream, directory } = opened
  stream.behaviour = 'away'
  const data = Array.from({ length: 60 }, (_, i) => `${i}:${'x'.repeat(i === 40 ? 60_000 : 20_000)}`)
  await spill.append([batch('demand', 0, data)])
  await spill.append([batch('demand', 0, ['behind'])])
  stream.refuses = batches => {
    const isTooLarge = batches.some(({ frames }) => frames.length > 50_000)
    return isTooLarge ? new MillraceError('BODY_TOO_LARGE', 'More than the topic takes.') : undefined
  }
  stream.behaviour = 'up'
  await direct(opened)
  expect(stream.texts('demand', 0)).toEqual([...data.filter((_, i) => i !== 40), 'behind'])
  expect(setAside(directory).map(({ text }) => text)).toEqual([data[40]])
})

test('when there is no more room what is refused is set aside at once', async () => {
  const opened = await open({ maxBytes: 2 * MB, clock: hurried, appendTimeoutMs: 5_000, refusedGraceMs: 1e9 })
  const { spill, stream, directory } = opened
  stream.behaviour = 'away'
  await spill.append([batch('demand', 1, ['refused'])])
  await eventually('the spill is full', async () => {
    await spill.append([batch('demand', 0, ['x'.repeat(100_000)])]).catch(() => undefined)
    return spill.status().full || undefined
  })
  deny(opened, 1)
  stream.behaviour = 'up'
  await direct(opened)
  expect(setAside(directory).map(({ text }) => text)).toEqual(['refused'])
})

test('what is set aside is told of at the next start', async () => {
  const at = directory()
  await new RefusedFiles(at, MB, systemClock).keep(taken('a'))
  const { notices, spill } = await open({ directory: at })
  expect(notices).toEqual([expect.stringContaining(`are in ${join(at, 'refused')}`)])
  expect(spill.status()).toMatchObject({ state: 'direct', refused: { files: 1 } })
})

test('files of refused data have a limit, and what does not fit stays in the spill', async () => {
  const at = directory()
  const files = new RefusedFiles(at, 1_000, systemClock)
  await files.keep(taken('x'.repeat(400)))
  const error = await refused('more than fits', 'DISK_FULL', () => files.keep(taken('y'.repeat(400))))
  expect(error.message).toContain('of 1 kB')
  expect(setAside(at).map(({ text }) => text)).toEqual(['x'.repeat(400)])

  const opened = await open({ maxBytes: MB, clock: hurried, appendTimeoutMs: 5_000, refusedGraceMs: 60_000, directory: at })
  await new RefusedFiles(at, 2 * MB, systemClock).keep(taken('z'.repeat(760_000)))
  opened.stream.behaviour = 'away'
  await opened.spill.append([batch('demand', 1, ['kept'])])
  deny(opened, 1)
  opened.stream.behaviour = 'up'
  await eventually('it is told', () => opened.notices.some(text => text.includes('stays in the spill')) || undefined)
  expect(opened.spill.status()).toMatchObject({ data: 1 })
  rmSync(join(at, 'refused'), { recursive: true })
  await direct(opened)
  expect(setAside(at).map(({ text }) => text)).toEqual(['kept'])
})

function taken(text: string): Taken {
  const place = {
    logTopic: 'demand/4',
    topic: 'demand',
    partition: 1,
    checkpoint: { offset: 0, first: 0, done: 0, dead: 0, duplicate: 0, lost: 0, edition: 1 },
    drained: 0,
    next: 1,
    refusedUntilMs: undefined,
    refusedSinceMs: undefined,
    closed: undefined,
  }
  return { place, batches: [batch('demand', 1, [text])], end: 1 }
}
