import type { Clock } from '../clock.ts'
import { agentOf, type EngineView } from '../engine/engine.ts'
import { formatId } from '../envelope/data-id.ts'
import { FrameCursor } from '../envelope/frame.ts'
import type { AnyAgent, Pipeline } from '../pipeline.ts'
import { type AgentFacts, type Diagnosis, diagnose, TREND_MS } from './diagnosis.ts'
import type { Flow } from './flow.ts'
import { type LedgerRow, ledgerOf } from './ledger.ts'
import { placeFlow } from './place-flow.ts'
import type { Position, ProcessFacts } from './replica.ts'
import type { Sample } from './sampler.ts'

/** Whoever runs agents in this process. Undefined for one that is not this process's to run. */
export type Watched = (agent: string) => ProcessFacts | undefined

/** An agent's diagnosis, and what it was made from of this process; undefined where it is not this process's to run. */
export interface Judged extends Diagnosis {
  readonly process: ProcessFacts | undefined
  /** Of {@link Diagnosis.datum}, where it is known. */
  readonly dataId?: string
}

/** Between two points of a trend. */
const POINT_MS = 2_000
/** A trend of less than this says nothing. */
const SHORTEST_TREND_MS = 10_000
/** Ids that are remembered; the oldest is looked up again beyond it. */
const MOST_IDS = 1_000
/** Letters that are looked at for their commonest reason, and for how long it is not asked again. */
const LETTERS = 100
const REASON_MAX_AGE_MS = 5_000
const MAX_REASON_LENGTH = 200

/** What is remembered of an agent between two looks. */
interface Past {
  handled: number
  movedMs: number
  readonly lags: { readonly atMs: number; readonly lag: number }[]
  reason?: { readonly text: string | undefined; readonly atMs: number }
}

/** Puts together what is known of each agent of the pipeline and judges it: the facts for `diagnosis.ts`, from wherever they are. */
export class Diagnoses {
  readonly #engine: Pick<EngineView, 'read' | 'letters'>
  readonly #clock: Clock
  readonly #pasts = new Map<string, Past>()
  /** By position; undefined where there is no such datum any more. */
  readonly #ids = new Map<string, string | undefined>()
  #rows = new Map<string, readonly LedgerRow[]>()
  /** By topic, the data that it holds. */
  #retained: ReadonlyMap<string, number> = new Map()
  #paused: Sample['paused'] = new Map()
  #agents: ReadonlyMap<string, AnyAgent> = new Map()
  #watched: Watched = () => undefined
  #notedMs = Number.NEGATIVE_INFINITY

  constructor(engine: Pick<EngineView, 'read' | 'letters'>, clock: Clock) {
    this.#engine = engine
    this.#clock = clock
  }

  use(pipeline: Pipeline): void {
    this.#agents = pipeline.agents
    for (const id of this.#pasts.keys()) if (!pipeline.agents.has(id)) this.#pasts.delete(id)
  }

  watch(watched: Watched): void {
    this.#watched = watched
  }

  /** Takes note of where everything stands. Called whenever the engine has been asked. */
  note(sample: Sample): void {
    if (sample.atMs === this.#notedMs) return
    this.#notedMs = sample.atMs
    this.#paused = sample.paused
    this.#rows = Map.groupBy(ledgerOf(sample.standings, sample.atMs).rows, row => row.group)
    this.#retained = new Map(sample.topics.map(({ spec, bounds }) => [spec.name, bounds.reduce((sum, at) => sum + at.next - at.first, 0)]))
    for (const id of this.#agents.keys()) {
      const rows = this.#rows.get(id) ?? []
      const handled = rows.reduce((sum, row) => sum + row.committed, 0)
      const past = this.#pasts.get(id)
      if (past === undefined) this.#pasts.set(id, { handled, movedMs: sample.atMs, lags: [{ atMs: sample.atMs, lag: lagOf(rows) }] })
      else {
        if (handled !== past.handled) past.movedMs = sample.atMs
        past.handled = handled
        remember(past.lags, sample.atMs, lagOf(rows))
      }
    }
  }

  /** How every agent of the pipeline is, as far as it is known without asking anybody. */
  now(flow: Flow): ReadonlyMap<string, Judged> {
    return new Map(
      [...this.#agents].map(([id, agent]) => {
        const facts = this.#factsOf(id, agent, flow)
        const diagnosis = diagnose(facts)
        const dataId = diagnosis.datum === undefined ? undefined : facts.idAt(diagnosis.datum)
        return [id, { ...diagnosis, process: facts.process, ...(dataId === undefined ? {} : { dataId }) }]
      }),
    )
  }

  /** As {@link now}, with data named by their ids, and failures by their reason: both are looked up where they are wanted, and remembered. */
  async named(flow: Flow): Promise<ReadonlyMap<string, Judged>> {
    const first = [...this.now(flow)]
    const looked = await Promise.all(
      first.map(async ([id, { state, datum }]) => {
        if (datum !== undefined) return this.#lookUp(datum)
        return state === 'poisoned' && this.#findReason(id)
      }),
    )
    return looked.some(found => found) ? this.now(flow) : new Map(first)
  }

  #factsOf(id: string, agent: AnyAgent, flow: Flow): AgentFacts {
    const nowMs = this.#clock.now()
    const rows = this.#rows.get(id) ?? []
    const past = this.#pasts.get(id)
    const own = placeFlow(flow, agent)
    const process = this.#watched(id)
    const handler = agent.kind === 'agent' ? agent : undefined
    const movedMs = past?.movedMs ?? nowMs
    // Nobody has ever joined its group, so it has no place yet, and all that its topics hold waits.
    const unplaced = rows.length === 0 && process === undefined && agent.start === 'earliest'
    const retained = agent.from.reduce((sum, topic) => sum + (this.#retained.get(topic.name) ?? 0), 0)
    return {
      nowMs,
      timeoutMs: handler?.timeoutMs ?? 0,
      attempts: handler?.retry.attempts ?? 0,
      ordered: handler?.ordered ?? false,
      isRemote: handler?.remote !== undefined,
      rollMs: agent.kind === 'storage-agent' ? agent.store.roll.ageMs : 0,
      process: process === undefined ? undefined : { ...process, suspects: process.suspects.filter(place => isAhead(place, rows)) },
      paused: this.#paused.get(id),
      lag: unplaced ? retained : lagOf(rows),
      lagMs: unplaced ? nowMs - movedMs : Math.max(0, ...rows.map(row => row.lagMs)),
      lagPerSecond: past === undefined ? undefined : trendOf(past.lags),
      movedMs,
      busy: own.busy,
      last: own.last,
      deadReason: past?.reason?.text,
      idAt: position => this.#ids.get(keyOf(position)),
    }
  }

  /** @returns whether there is something new to say. */
  async #lookUp(position: Position): Promise<boolean> {
    const key = keyOf(position)
    if (this.#ids.has(key)) return false
    const { topic, partition, offset } = position
    // Where it cannot be read its position names it as well; what is wrong with the log is for those to say who work on it.
    const batch = await this.#engine.read(topic, partition, offset, 1).catch(() => undefined)
    if (batch === undefined) return false
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    let id: string | undefined
    for (let at = batch.first; at <= offset && cursor.next(); at++) if (at === offset) id = formatId(cursor.bytes, cursor.idAt)
    this.#ids.set(key, id)
    const [oldest] = this.#ids.keys()
    if (this.#ids.size > MOST_IDS && oldest !== undefined) this.#ids.delete(oldest)
    return id !== undefined
  }

  async #findReason(id: string): Promise<boolean> {
    const past = this.#pasts.get(id)
    const nowMs = this.#clock.now()
    if (past === undefined || (past.reason !== undefined && nowMs - past.reason.atMs < REASON_MAX_AGE_MS)) return false
    const { name: agent, version } = agentOf(id)
    const letters = await this.#engine.letters.list({ agent, version, state: 'dead', limit: LETTERS })
    past.reason = { text: commonest(letters.map(({ error }) => reasonText(error))), atMs: nowMs }
    return true
  }
}

function lagOf(rows: readonly LedgerRow[]): number {
  return rows.reduce((sum, row) => sum + row.behind, 0)
}

/** Whether the agent has still to get past it. */
function isAhead({ topic, partition, offset }: Position, rows: readonly LedgerRow[]): boolean {
  const row = rows.find(at => at.topic === topic && at.partition === partition)
  return row !== undefined && offset >= row.committed
}

/** Keeps the points of the trend's time, and the last one before it. */
function remember(lags: Past['lags'], atMs: number, lag: number): void {
  if (lags.length > 1 && lags.at(-1)!.atMs - lags.at(-2)!.atMs < POINT_MS) lags.pop()
  lags.push({ atMs, lag })
  while (lags.length > 2 && lags[1]!.atMs <= atMs - TREND_MS) lags.shift()
}

/** How many data more wait each second. */
function trendOf(lags: Past['lags']): number | undefined {
  const [first, last] = [lags[0]!, lags.at(-1)!]
  const spanMs = last.atMs - first.atMs
  return spanMs < SHORTEST_TREND_MS ? undefined : (last.lag - first.lag) / (spanMs / 1_000)
}

function keyOf({ topic, partition, offset }: Position): string {
  return `${topic}/${partition}/${offset}`
}

function reasonText({ code, name, message }: { readonly code?: string; readonly name: string; readonly message: string }): string {
  const line = `${code ?? name}: ${message}`.replaceAll(/\s+/g, ' ')
  return line.length > MAX_REASON_LENGTH ? `${line.slice(0, MAX_REASON_LENGTH - 1)}…` : line
}

/** Messages that differ in their numbers alone are one reason; the latest of them speaks for all. */
function commonest(reasons: readonly string[]): string | undefined {
  const alike = Map.groupBy(reasons, reason => reason.replaceAll(/\d+/g, '0'))
  const [most] = [...alike.values()].sort((a, b) => b.length - a.length)
  return most?.[0]
}
