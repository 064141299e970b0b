import { onTestFinished } from 'vitest'
import { runAgent } from '../../../src/agents/runner.ts'
import { systemClock } from '../../../src/clock.ts'
import { DistributedEngine } from '../../../src/engine/distributed/index.ts'
import type { Agent } from '../../../src/index.ts'
import { silentRecorder } from '../../../src/instrumentation/recorder.ts'
import { MemoryBroker } from '../../../src/stream/adapters/memory/index.ts'
import { eventually } from '../../../src/testing/framework.ts'
import { openMemoryTrace } from '../../../src/trace/adapters/memory/index.ts'
import type { SharedTrace } from '../../../src/trace/trace.ts'

/** One broker, and engines on it as processes would have them. Everything is closed when the test ends. */
export class Scene {
  readonly broker = new MemoryBroker()
  trace = openMemoryTrace()
  readonly #close: (() => Promise<unknown>)[] = []

  constructor() {
    onTestFinished(async () => {
      for (const close of this.#close.reverse()) await close()
    })
  }

  engine(trace: SharedTrace = this.trace): DistributedEngine {
    const engine = new DistributedEngine({ stream: this.broker.connect(), trace, clock: systemClock })
    this.#close.push(() => engine.close())
    return engine
  }

  /** Everything that the trace knew is gone, as after a FLUSHALL. */
  loseTrace(): SharedTrace {
    this.trace = openMemoryTrace()
    return this.trace
  }

  run(agent: Agent, engine = this.engine()): ReturnType<typeof runAgent> {
    const running = runAgent(agent, { engine, clock: systemClock, recorder: silentRecorder })
    this.#close.push(() => running.crash())
    return running
  }

  /** Waits until the group has committed everything of the topic. @returns its checkpoints added up. */
  async caughtUp(group: string, topic: string): Promise<{ done: number; dead: number; duplicate: number; lost: number }> {
    const view = this.broker.connect()
    const partitions = await view.bounds(topic).then(bounds => bounds.length)
    return eventually(`${group} has handled all of ${topic}`, async () => {
      const bounds = await view.bounds(topic)
      const places = (await view.places()).filter(place => place.group === group && place.topic === topic)
      if (places.length < partitions || places.some(({ partition, checkpoint }) => checkpoint.offset < bounds[partition]!.next))
        return undefined
      const sum = { done: 0, dead: 0, duplicate: 0, lost: 0 }
      for (const { checkpoint } of places)
        for (const count of ['done', 'dead', 'duplicate', 'lost'] as const) sum[count] += checkpoint[count]
      return sum
    })
  }
}
