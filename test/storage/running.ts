import { setImmediate } from 'node:timers/promises'
import { onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { openInMemory } from '../../src/engine/embedded/index.ts'
import type { Engine, Standing } from '../../src/engine/engine.ts'
import type { WorkFact } from '../../src/instrumentation/recorder.ts'
import { pipeline } from '../../src/pipeline.ts'
import { runStorageAgent } from '../../src/storage/roller.ts'
import { storageAgent } from '../../src/storage/storage.ts'
import { topic } from '../../src/stream/topic.ts'
import { send } from '../../src/testing/send.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import type { ScriptedStore } from './scripted-store.ts'

export const numbers = topic('numbers', z.object({ n: z.number() }), { key: d => `k${d.n % 7}`, partitions: 1 })

/** An engine in memory under a clock of its own, and storage agents on it. */
export async function machine() {
  const clock = new VirtualClock({
    settle: async () => {
      for (let turn = 0; turn < 20; turn++) await setImmediate()
    },
  })
  const engine = await openInMemory({ clock: clock.background })
  onTestFinished(() => engine.close())
  await engine.ensure([numbers.spec])
  let sent = 0
  const facts: WorkFact[] = []
  const held: Error[] = []
  return {
    clock,
    engine,
    facts,
    held,
    /** Appends so many data. @returns their ids. */
    async send(count: number): Promise<string[]> {
      const receipts = await send(
        engine,
        numbers,
        Array.from({ length: count }, () => ({ n: sent++ })),
        clock.now(),
      )
      return receipts.map(receipt => receipt.dataId)
    },
    run(store: ScriptedStore, on: Engine = engine, more: { version?: number; replaces?: number } = {}) {
      const lake = storageAgent('lake', { version: 1, from: numbers, to: store, ...more })
      const recorder = { ingest: () => undefined, work: (fact: WorkFact) => void facts.push(fact) }
      const context = { engine: on, clock, recorder }
      const running = runStorageAgent(lake, pipeline('p', { agents: [lake] }), context, { held: error => void (error && held.push(error)) })
      onTestFinished(() => running.crash())
      return running
    },
    async standing(group = 'lake@1', topicName = 'numbers'): Promise<Standing | undefined> {
      return (await engine.standings()).find(row => row.group === group && row.topic === topicName)
    },
  }
}

/** Waits for what must come to be true. */
export function eventually(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 10_000, interval: 5 })
}

/** The engine, with some of it put in its place. */
export function withEngine(engine: Engine, replaced: Partial<Engine>): Engine {
  return new Proxy(engine, {
    get(target, name) {
      // The engine's methods use its private fields, which a proxy has not.
      const value: unknown = Reflect.get(name in replaced ? replaced : target, name)
      return typeof value === 'function' ? value.bind(name in replaced ? replaced : target) : value
    },
  })
}
