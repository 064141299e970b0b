import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { checkNoMove, noteBegun, readMove } from '../../src/runtime/move/move-log.ts'
import { refusingMoves } from '../../src/runtime/move/refusing.ts'
import { topicSpecs } from '../../src/runtime/topics.ts'
import type { GroupedStream } from '../../src/stream/stream.ts'
import { send } from '../../src/testing/send.ts'
import { behind, run, until } from './running.ts'
import { embedded, folder, picky, values } from './scene.ts'
import { Target } from './target.ts'

/** A data directory whose orders are all handled. */
async function handled(data: string): Promise<ReturnType<typeof picky>> {
  const scene = picky(1, () => true)
  await embedded(data, scene.pipeline, async engine => {
    const running = run(scene.pipeline, engine)
    await send(engine, scene.orders, [{ shop: 's', n: 1 }], Date.now())
    await until('all is handled', async () => (await behind(engine, scene.pipeline)) === 0)
    await running.stop()
  })
  return scene
}

/** A stream on which `then` happens once whoever looked has left the group: it has found it empty. */
function onceFoundEmpty(stream: GroupedStream, then: () => Promise<void>): GroupedStream {
  let happened: Promise<void> | undefined
  const subscribe: GroupedStream['subscribe'] = (...args) => {
    const subscription = stream.subscribe(...args)
    const close = async () => {
      await subscription.close()
      happened ??= then()
      await happened
    }
    return { [Symbol.asyncIterator]: () => subscription[Symbol.asyncIterator](), close }
  }
  return new Proxy(stream, {
    get(of, name) {
      if (name === 'subscribe') return subscribe
      const value: unknown = Reflect.get(of, name, of)
      return typeof value === 'function' ? value.bind(of) : value
    },
  })
}

it('agents that join right after a move has found nobody there take nothing of what it copies', { timeout: 60_000 }, async () => {
  const data = join(folder(), 'data')
  const { pipeline } = await handled(data)
  const target = new Target()
  const engine: Engine = refusingMoves(target.engine())
  // It looks, as a process does that starts, and no move has begun.
  await engine.ensure(topicSpecs(pipeline))
  await checkNoMove(engine)
  let ended: unknown
  const stream = onceFoundEmpty(target.broker.connect(), async () => {
    const running = run(pipeline, engine)
    void running.agents[0]!.ended.catch(error => {
      ended = error
    })
    await until('it has joined and looked', () => ended !== undefined)
  })
  await target.take(data, { stream })
  expect(ended).toMatchObject({ code: 'MOVE_UNFINISHED' })

  const accepted = await values(engine, 'accepted')
  expect(accepted).toEqual([{ n: 1, sum: 1 }])
  // When the move is complete the same agents work.
  const running = run(pipeline, engine)
  await until('it has joined', async () => (await behind(engine, pipeline)) === 0)
  await running.stop()
  expect(await values(engine, 'accepted')).toEqual(accepted)
  await engine.close()
})

it('a member that stays sees at its next lease that a move has begun', async () => {
  const target = new Target()
  const engine = refusingMoves(target.engine())
  await engine.ensure([{ name: 'orders', partitions: 2, retentionMs: 1_000 }])
  const subscription = engine.subscribe({ name: 'clerk@1', edition: 1 }, ['orders'], 'earliest')
  const leases = subscription[Symbol.asyncIterator]()
  expect((await leases.next()).value?.partitions).toHaveLength(2)
  await noteBegun(engine, systemClock, 'a log', 'its content')
  const other = target.broker.connect().subscribe({ name: 'clerk@1', edition: 1 }, ['orders'], 'earliest')
  await expect(leases.next()).rejects.toMatchObject({ code: 'MOVE_UNFINISHED' })
  await Promise.all([subscription.close(), other.close()])
  await engine.close()
})

it('of two moves to one stream the first to begin goes on, and the other is refused', { timeout: 60_000 }, async () => {
  const at = folder()
  const [data, other] = [join(at, 'data'), join(at, 'other')]
  await handled(data)
  await handled(other)
  const target = new Target()
  // The other one begins between the first one's look and its word.
  const stream = target.broker.connect()
  let begun = false
  const late: GroupedStream = new Proxy(stream, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name, of)
      if (typeof value !== 'function') return value
      if (name !== 'append') return value.bind(of)
      return async (...args: Parameters<GroupedStream['append']>) => {
        if (!begun) await noteBegun(target.broker.connect(), systemClock, 'another log', 'its content')
        begun = true
        return stream.append(...args)
      }
    },
  })
  await expect(target.take(data, { stream: late })).rejects.toMatchObject({ code: 'MOVE_REFUSED' })
  expect(await readMove(stream)).toMatchObject({ state: 'begun', from: 'another log' })
  expect((await stream.bounds('orders')).every(({ next }) => next === 0)).toBe(true)
})
