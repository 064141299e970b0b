import { expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { alone } from '../../src/runtime/move/membership.ts'
import { MemoryBroker } from '../../src/stream/adapters/memory/index.ts'
import type { GroupedStream } from '../../src/stream/stream.ts'

const group = { name: 'walker@1', edition: 1 }

/** A stream whose members cannot leave in order, as when the brokers have gone away. */
function stuck() {
  const stream = new MemoryBroker().connect()
  let joined = 0
  const subscribe: GroupedStream['subscribe'] = (...args) => {
    joined++
    const subscription = stream.subscribe(...args)
    const close = async () => {
      await subscription.close()
      throw new Error('the brokers are away')
    }
    return { [Symbol.asyncIterator]: () => subscription[Symbol.asyncIterator](), close }
  }
  return {
    stream,
    joined: () => joined,
    stuck: new Proxy(stream, { get: (of, name) => (name === 'subscribe' ? subscribe : bound(of, name)) }),
  }
}

function bound(of: GroupedStream, name: string | symbol): unknown {
  const value: unknown = Reflect.get(of, name, of)
  return typeof value === 'function' ? value.bind(of) : value
}

it('a step that fails is told as it failed, also by a member that cannot leave in order', async () => {
  const scene = stuck()
  await scene.stream.ensure([{ name: 'steps', partitions: 1, retentionMs: 1_000 }])
  const moving = { stream: scene.stuck, clock: systemClock, signal: new AbortController().signal }
  const failing = alone(moving, group, ['steps'], async () => {
    throw new Error('the step failed')
  })
  await expect(failing).rejects.toThrow('the step failed')
  await expect(alone(moving, group, ['steps'], async () => undefined)).rejects.toThrow('the brokers are away')
})

it('a member that is interrupted while it waits, and cannot leave in order, says that it was interrupted, once', async () => {
  const unheard: unknown[] = []
  const note = (reason: unknown) => void unheard.push(reason)
  process.on('unhandledRejection', note)
  try {
    const scene = stuck()
    await scene.stream.ensure([{ name: 'steps', partitions: 1, retentionMs: 1_000 }])
    // It has the only partition, so that whoever comes next waits for it.
    const other = scene.stream.subscribe(group, ['steps'], 'earliest')
    const interrupt = new AbortController()
    const waiting = alone({ stream: scene.stuck, clock: systemClock, signal: interrupt.signal }, group, ['steps'], async () => undefined)
    setImmediate(() => interrupt.abort(new Error('Ctrl-C')))
    await expect(waiting).rejects.toThrow('Ctrl-C')
    // Rejections that nobody has heard are told once the microtasks are through.
    await new Promise(resolve => setImmediate(resolve))
    expect(unheard).toEqual([])
    await other.close()
  } finally {
    process.off('unhandledRejection', note)
  }
})

it('an interrupted move joins no group any more', async () => {
  const scene = stuck()
  await scene.stream.ensure([{ name: 'steps', partitions: 1, retentionMs: 1_000 }])
  const interrupt = new AbortController()
  interrupt.abort(new Error('Ctrl-C'))
  const moving = { stream: scene.stuck, clock: systemClock, signal: interrupt.signal }
  await expect(alone(moving, group, ['steps'], async () => undefined)).rejects.toThrow('Ctrl-C')
  expect(scene.joined()).toBe(0)
})
