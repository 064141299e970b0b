import { replayTopicSpec } from '../agents/dead-letter.ts'
import { groupOf, mayRejoin, type RunContext, type RunningAgent } from '../agents/running.ts'
import { bytes } from '../envelope/schema.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Lease, Subscription } from '../stream/stream.ts'
import type { Topic } from '../stream/topic.ts'
import { PartitionRoller, type Rolling } from './partition-roller.ts'
import { type RollingStore, type RollingWriter, type StorageAgent, writerName } from './storage.ts'
import { StorePatience } from './store-patience.ts'
import { Turns } from './turns.ts'

const FIRST_REJOIN_MS = 50
const LONGEST_REJOIN_MS = 2_000

export interface StorageRunOptions {
  /** Stands in for the agent's own store: memory, in a test of a pipeline. */
  readonly store?: RollingStore
  /** Told when the store goes away and data begin to wait, and with undefined when it is back. Default: a process warning. */
  readonly held?: (error: Error | undefined) => void
}

/**
 * Runs a storage agent. For each partition: finish a roll that was begun; then watch what arrives until the store's policy asks for a
 * roll; commit the intent [first, end) beside the offset; write exactly that; commit marks, dead letters and the offset as one.
 *
 * `stop` forces no roll: what has gathered is safe in the stream, and rolling it early would leave a small file at every restart. A
 * roll in hand has the grace to end; cut off, it is finished by whoever has the partition next.
 */
export function runStorageAgent(
  agent: StorageAgent,
  pipeline: Pipeline,
  context: RunContext,
  options: StorageRunOptions = {},
): RunningAgent {
  return new StorageRun(agent, pipeline, context, options)
}

class StorageRun implements RunningAgent {
  readonly ended: Promise<void>
  readonly #agent: StorageAgent
  readonly #context: RunContext
  readonly #store: RollingStore
  readonly #patience: StorePatience
  /** The topics it reads, its replay topic among them, by name. */
  readonly #topics: ReadonlyMap<string, Topic>
  readonly #types: ReadonlyMap<string, Topic>
  readonly #turns = new Turns()
  readonly #abort = new AbortController()
  #subscription: Subscription | undefined
  #partitions: readonly PartitionRoller[] = []
  #atWork: Promise<unknown> = Promise.resolve()
  #stopping = false

  constructor(agent: StorageAgent, pipeline: Pipeline, context: RunContext, options: StorageRunOptions) {
    this.#agent = agent
    this.#context = context
    this.#store = options.store ?? agent.store
    this.#patience = new StorePatience(context.clock, options.held ?? warn)
    this.#types = new Map(agent.from.map(topic => [topic.name, pipeline.topics.get(topic.name) ?? topic]))
    const replay = replayTopicOf(agent)
    this.#topics = new Map([...this.#types, [replay.name, replay]])
    this.ended = this.#run()
    // Whoever runs the agent awaits `ended`; a failure before that must not bring the process down.
    this.ended.catch(() => undefined)
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    for (const partition of this.#partitions) partition.stop()
    const cancel = this.#context.clock.after(graceMs, () => this.#abort.abort(new Error('The grace to stop is over.')))
    await this.#atWork
    cancel()
    await this.#leave('The storage agent has stopped.')
  }

  crash(): Promise<void> {
    this.#stopping = true
    for (const partition of this.#partitions) partition.stop()
    return this.#leave('The storage agent was ended.')
  }

  async #leave(why: string): Promise<void> {
    this.#abort.abort(new Error(why))
    await this.#subscription?.close()
    // Whoever watches `ended` hears of a failure; who asked it to stop gets what he asked for.
    await this.ended.catch(() => undefined)
  }

  async #run(): Promise<void> {
    const { clock } = this.#context
    const { signal } = this.#abort
    try {
      const writer = await this.#patience.until(() => this.#store.open(clock, this.#agent.from), signal)
      try {
        for (let waitMs = FIRST_REJOIN_MS; !this.#stopping; waitMs = Math.min(2 * waitMs, LONGEST_REJOIN_MS)) {
          try {
            await this.#member(writer)
          } catch (error) {
            if (signal.aborted || !mayRejoin(error)) throw error
            await clock.sleep(waitMs, signal)
          }
        }
      } finally {
        await writer.close()
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** One membership of the group: lease after lease, until a commit is refused or the agent is stopped. */
  async #member(writer: RollingWriter): Promise<void> {
    const { engine } = this.#context
    const { from, start } = this.#agent
    await engine.ensure([...from.map(topic => topic.spec), replayTopicSpec(this.#agent)])
    if (this.#stopping) return
    const subscription = engine.subscribe(groupOf(this.#agent), [...this.#topics.keys()], start)
    this.#subscription = subscription
    try {
      for await (const lease of subscription) {
        if (this.#stopping) return
        const working = this.#work(lease, writer)
        this.#atWork = working.catch(() => undefined)
        await working
      }
      // Only an engine that closes ends a subscription that nobody closed.
      this.#stopping = true
    } finally {
      await subscription.close()
    }
  }

  /** All partitions of one lease, until it ends. What ends one for good ends all: the supervisor hears of it and starts anew. */
  async #work(lease: Lease, writer: RollingWriter): Promise<void> {
    const failed = new AbortController()
    const rolling: Rolling = {
      agent: { name: this.#agent.name, version: this.#agent.version },
      context: this.#context,
      lease,
      policy: this.#store.roll,
      writer,
      writerName: writerName(this.#context.engine.logId, this.#agent.name, lease.group.edition),
      types: this.#types,
      turns: this.#turns,
      patience: this.#patience,
      signal: AbortSignal.any([lease.signal, this.#abort.signal, failed.signal]),
    }
    const partitions = lease.partitions.map(assigned => new PartitionRoller(rolling, this.#topics.get(assigned.topic)!, assigned))
    this.#partitions = partitions
    const over = AbortSignal.any([lease.signal, this.#abort.signal])
    const tend = async (partition: PartitionRoller) => {
      try {
        await partition.run()
      } catch (error) {
        // The lease is another's now, who finishes what is left. A refused commit under a lease that holds is no such news: all join anew.
        if (over.aborted) return
        failed.abort(error)
        for (const other of partitions) other.stop()
      }
    }
    await Promise.allSettled(partitions.map(tend))
    failed.signal.throwIfAborted()
  }
}

/** The replay topic as a topic: its frames name the topic that they were first in. */
function replayTopicOf(agent: StorageAgent): Topic {
  const spec = replayTopicSpec(agent)
  return { kind: 'topic', name: spec.name, schema: bytes(), spec }
}

function warn(error: Error | undefined): void {
  if (error !== undefined) process.emitWarning(`${error.message} Data wait in the stream until it is back.`, 'MillraceWarning')
}
