import { LastOutcomes } from './last-outcomes.ts'
import { RATE_WINDOW_MS, Rate, Recent } from './rate.ts'
import type { IngestFact, InHandFact, WorkFact } from './recorder.ts'

/** How fast data move now: rates a second over the last {@link RATE_WINDOW_MS}. */
export interface Flow {
  readonly atMs: number
  readonly windowMs: number
  readonly frontEnd: IngestFlow
  /** What producers send, by topic. */
  readonly ingest: ReadonlyMap<string, IngestFlow>
  /** By `name@version`. */
  readonly agents: ReadonlyMap<string, AgentFlow>
}

export interface IngestFlow {
  readonly acceptedPerSecond: number
  readonly duplicatePerSecond: number
  readonly rejectedPerSecond: number
  readonly retryPerSecond: number
  readonly bytesPerSecond: number
}

export interface AgentFlow {
  readonly donePerSecond: number
  readonly deadPerSecond: number
  readonly outputsPerSecond: number
  readonly retriesPerSecond: number
  /** Share of the time in which the agent had something in hand: 1 is one thread's full work, or one program's, and more are added up. */
  readonly busy: number
  /** Handler time of the last units of work, in milliseconds; undefined before the first. */
  readonly handlerP50Ms: number | undefined
  readonly handlerP99Ms: number | undefined
  /** What became of its last data: about a hundred, see `last-outcomes.ts`. */
  readonly last: { readonly data: number; readonly dead: number }
  /** Claimed and not committed, and since when (0: nothing is in hand). */
  readonly inHand: number
  readonly inHandSinceMs: number
}

/** Keeps the flow from facts. Bounded by topics and agents; the callers let no other names in. */
export class FlowMeter {
  readonly #frontEnd = new IngestRates()
  readonly #ingest = new Map<string, IngestRates>()
  readonly #agents = new Map<string, AgentRates>()

  ingest(fact: IngestFact, topic: string, nowMs: number): void {
    this.#frontEnd.add(fact, nowMs)
    getOrMake(this.#ingest, topic, () => new IngestRates()).add(fact, nowMs)
  }

  work(fact: WorkFact, nowMs: number): void {
    getOrMake(this.#agents, `${fact.agent}@${fact.version}`, () => new AgentRates()).add(fact, nowMs)
  }

  inHand(fact: InHandFact): void {
    getOrMake(this.#agents, `${fact.agent}@${fact.version}`, () => new AgentRates()).hold(fact)
  }

  /** Forgets agents that are not in the pipeline any more. */
  keep(agents: ReadonlySet<string>): void {
    for (const name of this.#agents.keys()) if (!agents.has(name)) this.#agents.delete(name)
  }

  read(nowMs: number): Flow {
    return {
      atMs: nowMs,
      windowMs: RATE_WINDOW_MS,
      frontEnd: this.#frontEnd.read(nowMs),
      ingest: new Map([...this.#ingest].map(([topic, rates]) => [topic, rates.read(nowMs)])),
      agents: new Map([...this.#agents].map(([agent, rates]) => [agent, rates.read(nowMs)])),
    }
  }
}

class IngestRates {
  readonly #accepted = new Rate()
  readonly #duplicate = new Rate()
  readonly #rejected = new Rate()
  readonly #retry = new Rate()
  readonly #bytes = new Rate()

  add(fact: IngestFact, nowMs: number): void {
    this.#accepted.add(fact.accepted, nowMs)
    this.#duplicate.add(fact.duplicate, nowMs)
    this.#rejected.add(fact.rejected, nowMs)
    this.#retry.add(fact.retry, nowMs)
    this.#bytes.add(fact.bytes, nowMs)
  }

  read(nowMs: number): IngestFlow {
    return {
      acceptedPerSecond: this.#accepted.perSecond(nowMs),
      duplicatePerSecond: this.#duplicate.perSecond(nowMs),
      rejectedPerSecond: this.#rejected.perSecond(nowMs),
      retryPerSecond: this.#retry.perSecond(nowMs),
      bytesPerSecond: this.#bytes.perSecond(nowMs),
    }
  }
}

class AgentRates {
  readonly #done = new Rate()
  readonly #dead = new Rate()
  readonly #outputs = new Rate()
  readonly #retries = new Rate()
  readonly #busyMs = new Rate()
  readonly #handlerMs = new Recent()
  readonly #last = new LastOutcomes()
  /** By replica. */
  readonly #inHand = new Map<number, InHandFact>()

  add(fact: WorkFact, nowMs: number): void {
    this.#done.add(fact.done, nowMs)
    this.#dead.add(fact.dead, nowMs)
    this.#outputs.add(fact.outputs, nowMs)
    this.#retries.add(fact.retries, nowMs)
    this.#busyMs.addOver(fact.busyMs, nowMs)
    this.#handlerMs.add(fact.handlerMs)
    this.#last.add(fact.done + fact.dead, fact.dead, nowMs)
  }

  hold(fact: InHandFact): void {
    if (fact.count === 0) this.#inHand.delete(fact.replica)
    else this.#inHand.set(fact.replica, fact)
  }

  read(nowMs: number): AgentFlow {
    const held = [...this.#inHand.values()]
    return {
      donePerSecond: this.#done.perSecond(nowMs),
      deadPerSecond: this.#dead.perSecond(nowMs),
      outputsPerSecond: this.#outputs.perSecond(nowMs),
      retriesPerSecond: this.#retries.perSecond(nowMs),
      busy: this.#busyMs.perSecond(nowMs) / 1_000,
      handlerP50Ms: this.#handlerMs.quantile(0.5),
      handlerP99Ms: this.#handlerMs.quantile(0.99),
      last: this.#last.read(nowMs),
      inHand: held.reduce((sum, { count }) => sum + count, 0),
      inHandSinceMs: held.length === 0 ? 0 : Math.min(...held.map(({ sinceMs }) => sinceMs)),
    }
  }
}

function getOrMake<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
