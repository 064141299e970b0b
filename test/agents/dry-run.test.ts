import { agent, out, pipeline, topic, tumbling } from 'millrace'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { dryRun } from '../../src/agents/dry-run.ts'
import { editedFrame } from '../../src/agents/edit-letter.ts'
import { FrameCursor } from '../../src/envelope/frame.ts'
import { batch } from '../../src/testing/suite-data.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

const reading = topic('reading', z.object({ station: z.string(), n: z.number() }), { key: d => d.station })
const alert = topic('alert', z.object({ station: z.string() }))
const mean = topic('mean', z.object({ station: z.string(), mean: z.number() }))

function frameOf(text: string): Uint8Array {
  const cursor = new FrameCursor(batch('reading', 0, [text], 'application/json').frames)
  cursor.next()
  return cursor.frame
}

const clock = new VirtualClock()

it('a dry run gives what the handler would write, checked against its topics', async () => {
  const alarms = agent('alarms', { version: 1, from: reading, to: [alert, mean] }, async d => [
    out(alert, { station: d.station }),
    out(mean, { station: d.station, mean: d.n }),
  ])
  expect(await dryRun(alarms, frameOf('{"station":"CE","n":2}'), 'reading', clock)).toEqual({
    outcome: 'outputs',
    outputs: [
      { to: 'alert', key: '', data: '{"station":"CE"}' },
      { to: 'mean', key: '', data: '{"station":"CE","mean":2}' },
    ],
  })
})

it('a window has the datum alone, and a state nothing but it', async () => {
  const options = { version: 1, from: reading, to: mean, by: (d: { station: string }) => d.station, window: 20 } as const
  const means = agent(
    'means',
    { ...options, state: { init: () => 10, update: (sum: number, d) => sum + d.n } },
    (d, { window, state }) => ({
      station: d.station,
      mean: state + window.length,
    }),
  )
  expect(await dryRun(means, frameOf('{"station":"CE","n":2}'), 'reading', clock)).toMatchObject({
    outputs: [{ data: '{"station":"CE","mean":13}' }],
  })
})

it('a datum that windows were made of comes late, as when it is replayed', async () => {
  const late = topic('late', z.object({ station: z.string(), n: z.number() }))
  const gathers = [tumbling('1h'), tumbling('1h', { late })].map(window => {
    const hourly = agent('hourly', { version: 1, from: reading, by: d => d.station, window }, () => undefined)
    return pipeline('grid', { agents: [hourly] }).agents.get('hourly.windows@1')
  })
  const trials = await Promise.all(
    gathers.map(async own => own?.kind === 'agent' && dryRun(own, frameOf('{"station":"CE","n":2}'), 'reading', clock)),
  )
  expect(trials).toMatchObject([
    { outcome: 'failure', error: { code: 'WINDOW_CLOSED' } },
    { outcome: 'outputs', outputs: [{ to: 'late', data: '{"station":"CE","n":2}' }] },
  ])
})

it('a datum that a state cannot take in is tried without it, as when it is replayed', async () => {
  const state = {
    init: () => 10,
    update: (): number => {
      throw new Error('no room')
    },
  }
  const means = agent('means', { version: 1, from: reading, to: mean, by: d => d.station, state }, (d, { state }) => ({
    station: d.station,
    mean: state,
  }))
  expect(await dryRun(means, frameOf('{"station":"CE","n":2}'), 'reading', clock)).toMatchObject({
    outputs: [{ data: '{"station":"CE","mean":10}' }],
  })
})

it.each([
  ['throws', '{"station":"CE","n":1}', 'no n'],
  ['does not match its topic', '{"station":"CE"}', "schema of topic 'reading'"],
  ['writes what does not match', '{"station":"CE","n":3}', 'Output 1 does not match'],
])('a failure is told as the runner would have it: a datum that %s', async (_, text, message) => {
  const fails = agent('fails', { version: 1, from: reading, to: mean }, d => {
    if (d.n === 1) throw new Error('no n')
    // A wrong output, in spite of the compiler.
    return { station: d.station } as unknown as { station: string; mean: number }
  })
  const trial = await dryRun(fails, frameOf(text), 'reading', clock)
  expect(trial).toMatchObject({ outcome: 'failure', error: { message: expect.stringContaining(message) } })
})

it('a handler that does not come back has failed after its timeout', async () => {
  const hangs = agent('hangs', { version: 1, from: reading, timeout: '1s' }, () => new Promise<undefined>(() => {}))
  const trial = dryRun(hangs, frameOf('{"station":"CE","n":1}'), 'reading', clock)
  await clock.advance('2s')
  expect(await trial).toMatchObject({ outcome: 'failure', error: { code: 'HANDLER_TIMEOUT' } })
})

it('an edited datum keeps its id, source, time and parents, gets its own key, and is refused where it does not match', async () => {
  const frame = frameOf('{"station":"CE","n":-1}')
  const [before, after] = [frame, await editedFrame(frame, reading, Buffer.from('{"station":"NE","n":1}'))].map(bytes => {
    const cursor = new FrameCursor(bytes)
    cursor.next()
    return cursor
  })
  expect(after!.envelope('reading')).toEqual({ ...before!.envelope('reading'), data: Buffer.from('{"station":"NE","n":1}') })
  expect(after!.key).toBe('NE')
  await expect(editedFrame(frame, reading, Buffer.from('{"station":"NE"}'))).rejects.toMatchObject({ code: 'DATUM_INVALID' })
  await expect(editedFrame(frame, reading, Buffer.from('{station'))).rejects.toMatchObject({ code: 'BODY_MALFORMED' })
})
