import { expect, test } from 'vitest'
import { openEmbedded } from '../../../src/engine/embedded/index.ts'
import { MillraceError } from '../../../src/errors.ts'
import type { SpillEngine } from '../../../src/frontend/spill/spill.ts'
import { eventually, within } from '../../../src/testing/framework.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { batch } from '../../../src/testing/suite-data.ts'
import type { Behaviour } from './scripted-stream.ts'
import { direct, hurried, type Opened, spills } from './spills.ts'

const { open } = spills()

/**
 * An outage with one datum. While the stream takes it another comes, which is left for the hand-over; and while it takes that one a third, which has
 * to wait. `then` is how the stream goes on.
 */
async function handOver(opened: Opened, then: Behaviour): Promise<void> {
  const { spill, stream } = opened
  const appended: Promise<unknown>[] = []
  let drained = 0
  stream.onAppend = () => {
    const { state } = spill.status()
    if (state === 'spilling' && stream.behaviour === 'up' && ++drained === 1) appended.push(spill.append([batch('demand', 0, ['second'])]))
    if (state === 'handing-over' && appended.length === 1) {
      appended.push(spill.append([batch('demand', 0, ['third'])]))
      stream.behaviour = then
    }
  }
  stream.behaviour = 'away'
  await spill.append([batch('demand', 0, ['first'])])
  stream.behaviour = 'up'
  await eventually('a third came while the stream was handed over to', () => (appended.length === 2 ? true : undefined))
  await within('all are accepted', Promise.all(appended))
}

test('what comes while the stream is handed over to waits, and follows what was drained', async () => {
  const opened = await open()
  await handOver(opened, 'up')
  expect(opened.stream.texts('demand', 0)).toEqual(['first', 'second', 'third'])
  await direct(opened)
})

for (const behaviour of ['away', 'hanging', 'unknown'] as const) {
  test(`when the stream is ${behaviour} while it is handed over to, what waits is kept behind what is left`, async () => {
    const opened = await open()
    await handOver(opened, behaviour)
    expect(opened.spill.status()).toMatchObject({ state: 'spilling', data: 2 })
    await opened.spill.append([batch('demand', 0, ['fourth'])])
    opened.stream.behaviour = 'up'
    await direct(opened)
    expect(opened.stream.distinct('demand', 0)).toEqual(['first', 'second', 'third', 'fourth'])
  })
}

test('what is still on its way into the log when all else has drained is waited for', async () => {
  const written = Promise.withResolvers<void>()
  let isSlow = false
  const opened = await open({
    openLog: async at => {
      const engine = await openEmbedded(at)
      const whole = engine.append.bind(engine)
      const append: SpillEngine['append'] = async batches => {
        if (isSlow) await written.promise
        return whole(batches)
      }
      return Object.assign(engine, { append })
    },
  })
  const { spill, stream } = opened
  stream.behaviour = 'away'
  await spill.append([batch('demand', 0, ['first'])])
  isSlow = true
  const second = spill.append([batch('demand', 0, ['second'])])
  stream.behaviour = 'up'
  await eventually('all else has drained', () => (stream.texts('demand', 0).includes('first') ? true : undefined))
  await eventually('it is waited for', () => (spill.status().state === 'handing-over' ? true : undefined))
  const third = spill.append([batch('demand', 0, ['third'])])
  written.resolve()
  await within('both are accepted', Promise.all([second, third]))
  await direct(opened)
  expect(stream.texts('demand', 0)).toEqual(['first', 'second', 'third'])
})

test('a disk that fails after everything has drained does not end the front end: what comes next goes to the stream', async () => {
  const failing = Promise.withResolvers<void>()
  let isHanging = false
  let hangs = 0
  const opened = await open({
    clock: hurried,
    appendTimeoutMs: 5_000,
    openLog: async at => {
      const engine = await openEmbedded(at)
      const whole = engine.append.bind(engine)
      const append: SpillEngine['append'] = async batches => {
        if (!isHanging) return whole(batches)
        hangs++
        await failing.promise
        throw new MillraceError('ENGINE_FAILED', 'The disk has gone away.')
      }
      return Object.assign(engine, { append })
    },
  })
  const { spill, stream } = opened
  stream.behaviour = 'away'
  await spill.append([batch('demand', 0, ['first'])])
  isHanging = true
  const second = refused('an append to a disk that fails', 'ENGINE_FAILED', () => spill.append([batch('demand', 0, ['second'])]))
  await eventually('it hangs', () => hangs > 0 || undefined)
  stream.behaviour = 'up'
  await eventually('the hand-over waits for it', () => (spill.status().state === 'handing-over' ? true : undefined))
  await eventually('the hand-over is given up', () => (spill.status().state === 'draining' ? true : undefined))
  failing.resolve()
  await second
  await direct(opened)
  await spill.append([batch('demand', 0, ['third'])])
  expect(stream.texts('demand', 0)).toEqual(['first', 'third'])
})
