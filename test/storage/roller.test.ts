import { describe, expect, it } from 'vitest'
import { MillraceError } from '../../src/errors.ts'
import { eventually, machine, withEngine } from './running.ts'
import { ScriptedStore } from './scripted-store.ts'

const AWAY = new MillraceError('STORE_UNAVAILABLE', 'The store is away.')

describe('a storage agent', () => {
  it('rolls exactly so many records as its policy says, and leaves the rest in the stream', async () => {
    const { send, run, standing } = await machine()
    const ids = await send(250)
    const store = new ScriptedStore({ records: 100 })
    run(store)
    await eventually(async () => expect((await standing())?.checkpoint).toMatchObject({ offset: 200, done: 200 }))
    expect(store.calls.map(({ roll: { first, end, resumed } }) => [first, end, resumed])).toEqual([
      [0, 100, false],
      [100, 200, false],
    ])
    expect(store.ids).toEqual(ids.slice(0, 200).sort())
  })

  it('rolls by age when nothing more arrives', async () => {
    const { send, run, standing, clock } = await machine()
    const store = new ScriptedStore({ ageMs: 60_000 })
    run(store)
    const ids = await send(3)
    await clock.advance('59s')
    expect(store.calls).toEqual([])
    await clock.advance('1s')
    await eventually(() => expect(store.ids).toEqual(ids.sort()))
    await eventually(async () => expect((await standing())?.checkpoint).toMatchObject({ offset: 3, done: 3 }))
    await clock.advance('10m')
    expect(store.calls).toHaveLength(1)
  })

  it('puts all that grew old while nobody stored it into one roll, not into one for each fetch', async () => {
    const { send, run, clock } = await machine()
    const count = 60_000
    for (let sent = 0; sent < count; sent += 6_000) await send(6_000)
    await clock.advance('10m')
    const store = new ScriptedStore({ ageMs: 60_000 })
    run(store)
    await eventually(() => expect(store.ids).toHaveLength(count))
    expect(store.calls.map(({ roll: { first, end } }) => [first, end])).toEqual([[0, count]])
  })

  it('rolls by bytes', async () => {
    const { send, run } = await machine()
    const store = new ScriptedStore({ bytes: 1 })
    run(store)
    await send(5)
    await eventually(() => expect(store.ids).toHaveLength(5))
  })

  it('commits the intent before the store writes anything', async () => {
    const { send, run, standing } = await machine()
    const store = new ScriptedStore({ records: 10 })
    const seen: unknown[] = []
    store.outcome = async () => {
      const at = await standing()
      seen.push(at?.checkpoint.offset, at?.checkpoint.intent)
      return undefined
    }
    await send(10)
    run(store)
    await eventually(() => expect(seen).toEqual([0, { first: 0, end: 10 }]))
    await eventually(async () => expect((await standing())?.checkpoint.intent).toBeUndefined())
  })

  it('finishes the very roll that was begun before it crashed, however its policy would cut now', async () => {
    const { send, run, standing } = await machine()
    const ids = await send(100)
    const store = new ScriptedStore({ records: 60 })
    store.outcome = ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const first = run(store)
    await eventually(() => expect(store.calls).toHaveLength(1))
    await first.crash()
    expect((await standing())?.checkpoint).toMatchObject({ offset: 0, done: 0, intent: { first: 0, end: 60 } })

    const after = new ScriptedStore({ records: 7 })
    run(after)
    await eventually(() => expect(after.calls.length).toBeGreaterThan(5))
    expect(after.calls.slice(0, 2).map(({ roll: { first: from, end, resumed } }) => [from, end, resumed])).toEqual([
      [0, 60, true],
      [60, 67, false],
    ])
    expect(after.ids.length).toBe(new Set(after.ids).size)
    expect(ids).toEqual(expect.arrayContaining(after.ids))
  })

  it('holds the partition while the store is away, without dead letters, and goes on when it is back', async () => {
    const { send, run, clock, engine, held, standing } = await machine()
    const store = new ScriptedStore({ records: 10 })
    let away = true
    store.outcome = () => {
      if (away) throw AWAY
      return undefined
    }
    const ids = await send(10)
    run(store)
    await eventually(() => expect(store.calls).toHaveLength(1))
    await clock.advance('1m')
    expect(store.calls.length).toBeGreaterThan(3)
    expect(store.calls.slice(1).every(call => call.roll.resumed)).toBe(true)
    expect(held).toEqual([AWAY])
    away = false
    await clock.advance('1m')
    await eventually(async () => expect((await standing())?.checkpoint).toMatchObject({ offset: 10, done: 10, dead: 0 }))
    expect(store.ids).toEqual(ids.sort())
    expect(await engine.letters.list({ limit: 10 })).toEqual([])
  })

  it('commits again where the disk was full, and rolls nothing twice', async () => {
    const { send, run, clock, engine, held, standing } = await machine()
    let full = 2
    const commit: typeof engine.commit = unit => {
      if (full-- > 0) return Promise.reject(new MillraceError('DISK_FULL', 'The disk is full.'))
      return engine.commit(unit)
    }
    const store = new ScriptedStore({ records: 10 })
    await send(10)
    run(store, withEngine(engine, { commit }))
    await eventually(() => expect(held).toHaveLength(1))
    await clock.advance('1m')
    await eventually(async () => expect((await standing())?.checkpoint).toMatchObject({ offset: 10, done: 10 }))
    expect(store.calls).toHaveLength(1)
  })

  it('joins its group anew when a commit is refused, and the roll is finished once', async () => {
    const { send, run, clock, engine, standing } = await machine()
    let refusals = 1
    const commit: typeof engine.commit = unit => {
      if (refusals-- > 0) return Promise.reject(new MillraceError('LEASE_LOST', 'The assignment has ended.'))
      return engine.commit(unit)
    }
    const store = new ScriptedStore({ records: 10 })
    const ids = await send(10)
    run(store, withEngine(engine, { commit }))
    await eventually(() => expect(store.calls).toHaveLength(1))
    await clock.advance('1s')
    await eventually(async () => expect((await standing())?.checkpoint).toMatchObject({ offset: 10, done: 10 }))
    expect(store.calls.map(call => call.roll.resumed)).toEqual([false, true])
    expect(store.ids).toEqual(ids.sort())
  })

  it('leaves a roll to the new owner when its lease is lost in the middle of it', async () => {
    const { send, run, standing } = await machine()
    const ids = await send(20)
    const slow = new ScriptedStore({ records: 20 })
    const held = Promise.withResolvers<undefined>()
    slow.outcome = () => held.promise
    const zombie = run(slow)
    await eventually(() => expect(slow.calls).toHaveLength(1))
    const store = new ScriptedStore({ records: 20 })
    const owner = run(store)
    // One partition and two members: whoever has it, the other's commit is refused.
    await eventually(() => expect(slow.calls[0]?.signal.aborted).toBe(true))
    held.resolve(undefined)
    await eventually(async () => expect((await standing())?.checkpoint).toMatchObject({ offset: 20, done: 20 }))
    const finished = [...slow.calls, ...store.calls].filter(call => call.roll.resumed)
    expect(finished.map(({ roll: { first, end } }) => [first, end])).toEqual([[0, 20]])
    expect([...new Set([...slow.ids, ...store.ids])].sort()).toEqual(ids.sort())
    await Promise.all([zombie.stop(1_000), owner.stop(1_000)])
  })

  it('puts what cannot be stored into the dead letters, with the datum and the reason, and stores it when it is replayed', async () => {
    const { send, run, clock, engine, standing, facts } = await machine()
    const store = new ScriptedStore({ records: 10 })
    store.outcome = ({ roll }) => (roll.topic.name === 'numbers' ? { unstorable: [{ offset: 7, reason: 'too wide' }] } : undefined)
    const ids = await send(10)
    run(store)
    await eventually(async () => expect((await standing())?.checkpoint).toMatchObject({ offset: 10, done: 9, dead: 1 }))
    const [letter] = await engine.letters.list({ limit: 10 })
    expect(letter).toMatchObject({ dataId: ids[7], offset: 7, error: { code: 'RECORD_UNSTORABLE', message: 'too wide' }, state: 'dead' })
    const fact = { agent: 'lake', version: 1, topic: 'numbers', done: 9, dead: 1, lost: 0, duplicate: 0 }
    await eventually(() => expect(facts).toMatchObject([fact]))
    const marks = (await engine.find(ids[7]!))?.marks
    expect(marks).toMatchObject([{ name: 'lake', state: 'dead', reason: 'too wide' }])
    expect((await engine.find(ids[6]!))?.marks).toMatchObject([{ name: 'lake', state: 'done' }])

    await engine.letters.replay([letter!.letter], 'a person')
    await clock.advance('1m')
    await eventually(async () => expect(await engine.letters.list({ limit: 10 })).toMatchObject([{ state: 'done' }]))
    const replayed = store.calls.at(-1)!
    expect(replayed.roll.topic.name).toBe('_replay.lake@1')
    expect([...replayed.roll.types.keys()]).toEqual(['numbers'])
    expect(replayed.ids).toEqual([ids[7]])
  })

  it('forces no roll when it stops, and lets the one in hand end', async () => {
    const { send, run, standing } = await machine()
    const store = new ScriptedStore({ records: 10 })
    const writing = Promise.withResolvers<undefined>()
    store.outcome = () => writing.promise
    await send(15)
    const running = run(store)
    await eventually(() => expect(store.calls).toHaveLength(1))
    const stopped = running.stop(10_000)
    writing.resolve(undefined)
    await stopped
    await running.ended
    expect((await standing())?.checkpoint).toMatchObject({ offset: 10, done: 10 })
    expect((await standing())?.checkpoint.intent).toBeUndefined()
    expect(store.calls).toHaveLength(1)
  })

  it('cuts a roll off when the grace to stop is over, and the next one to have the partition finishes it', async () => {
    const { send, run, clock, standing } = await machine()
    const store = new ScriptedStore({ records: 10 })
    store.outcome = ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    await send(10)
    const running = run(store)
    await eventually(() => expect(store.calls).toHaveLength(1))
    const stopped = running.stop(5_000)
    await clock.advance('5s')
    await stopped
    const next = new ScriptedStore({ records: 10 })
    run(next)
    await eventually(async () => expect((await standing())?.checkpoint).toMatchObject({ offset: 10, done: 10 }))
    expect(next.calls.map(call => call.roll.resumed)).toEqual([true])
  })

  it('ends with the error that nobody can wait out', async () => {
    const { send, run, standing } = await machine()
    const store = new ScriptedStore({ records: 10 })
    store.outcome = () => {
      throw new TypeError('a bug')
    }
    await send(10)
    await expect(run(store).ended).rejects.toThrow('a bug')
    expect((await standing())?.checkpoint).toMatchObject({ offset: 0, intent: { first: 0, end: 10 } })
  })

  it('counts what retention took before it was stored, as lost, and goes on behind it', async () => {
    const { send, run, engine, standing, facts } = await machine()
    await send(10)
    await send(10)
    // Retention as a reader sees it: the first batch that is left is the second.
    const taken = { on: true }
    const subscribe: typeof engine.subscribe = (...given) => withLoss(engine.subscribe(...given), taken)
    const store = new ScriptedStore({ records: 10 })
    run(store, withEngine(engine, { subscribe }))
    await eventually(async () => expect((await standing())?.checkpoint).toMatchObject({ offset: 20, done: 10, lost: 10 }))
    expect(store.calls.map(({ roll: { first, end } }) => [first, end])).toEqual([[10, 20]])
    await eventually(() => expect(facts.map(fact => fact.lost)).toEqual([10, 0]))
  })

  it('counts what retention took between the intent and the writing, as lost', async () => {
    const { send, run, engine, standing } = await machine()
    await send(10)
    await send(10)
    const read: typeof engine.read = (topic, partition, from, maxBytes) => engine.read(topic, partition, Math.max(from, 10), maxBytes)
    const store = new ScriptedStore({ records: 20 })
    run(store, withEngine(engine, { read }))
    await eventually(async () => expect((await standing())?.checkpoint).toMatchObject({ offset: 20, done: 10, dead: 0, lost: 10 }))
    expect(store.ids).toHaveLength(10)
  })

  it('counts what retention took before its dead letter was written as lost, not as dead without a letter', async () => {
    const { send, run, engine, standing } = await machine()
    await send(10)
    const store = new ScriptedStore({ records: 10 })
    const written = { yet: false }
    store.outcome = () => {
      written.yet = true
      return { unstorable: [{ offset: 7, reason: 'too wide' }] }
    }
    const read: typeof engine.read = (topic, partition, from, maxBytes) => engine.read(topic, partition, written.yet ? 10 : from, maxBytes)
    run(store, withEngine(engine, { read }))
    await eventually(async () => expect((await standing())?.checkpoint).toMatchObject({ offset: 10, done: 9, dead: 0, lost: 1 }))
    expect(await engine.letters.list({ limit: 10 })).toEqual([])
  })

  it('takes over the place of the version that it replaces, and the name under which that wrote', async () => {
    const { send, run, standing } = await machine()
    await send(10)
    const old = new ScriptedStore({ records: 10 })
    const running = run(old)
    await eventually(async () => expect((await standing())?.checkpoint.offset).toBe(10))
    await running.stop(1_000)
    await send(10)
    const store = new ScriptedStore({ records: 10 })
    run(store, undefined, { version: 2, replaces: 1 })
    await eventually(async () => expect((await standing('lake@2'))?.checkpoint.offset).toBe(20))
    expect(store.calls.map(({ roll: { first, end } }) => [first, end])).toEqual([[10, 20]])
    expect(store.calls[0]!.roll.writer).toBe(old.calls[0]!.roll.writer)
  })
})

/** The subscription, whose leases do not see the first ten data. */
function withLoss(subscription: ReturnType<Awaited<ReturnType<typeof machine>>['engine']['subscribe']>, taken: { on: boolean }) {
  return {
    close: () => subscription.close(),
    async *[Symbol.asyncIterator]() {
      for await (const lease of subscription) {
        yield new Proxy(lease, {
          get(target, name) {
            if (name === 'fetch')
              return (...[place, from, bytes]: Parameters<typeof lease.fetch>) =>
                target.fetch(place, taken.on && place.topic === 'numbers' ? Math.max(from, 10) : from, bytes)
            const value: unknown = Reflect.get(target, name)
            return typeof value === 'function' ? value.bind(target) : value
          },
        })
      }
    },
  }
}
