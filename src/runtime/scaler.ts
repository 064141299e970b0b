import type { Clock } from '../clock.ts'
import type { Flow } from '../instrumentation/flow.ts'
import { PartitionLoads } from '../instrumentation/partition-loads.ts'
import { placeFlow } from '../instrumentation/place-flow.ts'
import type { Sample } from '../instrumentation/sampler.ts'
import { type Sizing, sizeFor } from '../instrumentation/sizing.ts'
import { rateText } from '../instrumentation/words.ts'
import type { AgentReplicas } from './agent-replicas.ts'
import { Hysteresis, PACE, type Pace } from './hysteresis.ts'
import type { Log } from './log.ts'

const LOOK_MS = 2_000
/** So many looks make a measurement: a single one may have met a burst, or a collection of garbage. */
const LOOKS = 5
const FEWEST_LOOKS = 2

export interface ScalerOptions {
  /** Those that run now. */
  readonly agents: () => readonly Scaled[]
  readonly flow: () => Flow
  readonly sample: (maxAgeMs: number) => Promise<Sample>
  readonly clock: Clock
  readonly log: Log
  readonly lookMs?: number
  readonly pace?: Pace
}

type Scaled = Pick<AgentReplicas, 'agent' | 'declared' | 'range' | 'ofPrograms' | 'settled' | 'look' | 'facts' | 'scale'>

/** What is remembered of an agent from look to look. */
interface Watched {
  readonly hysteresis: Hysteresis
  /** Busy time by time, over all replicas, at the last looks. */
  busy: number[]
}

/**
 * Looks every other second how busy the agents' threads are, and gives those that may be scaled as many replicas as their load asks for
 * (`sizing.ts`), unhurriedly (`hysteresis.ts`).
 */
export class Scaler {
  readonly #options: ScalerOptions
  readonly #watched = new WeakMap<Scaled, Watched>()
  readonly #loads = new PartitionLoads()
  #cancel: () => void = () => undefined
  #closed = false

  constructor(options: ScalerOptions) {
    this.#options = options
    this.#later()
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  #later(): void {
    const { clock, lookMs = LOOK_MS } = this.#options
    if (!this.#closed) this.#cancel = clock.after(lookMs, () => void this.#look().finally(() => this.#later()))
  }

  async #look(): Promise<void> {
    const { agents, sample, lookMs = LOOK_MS } = this.#options
    for (const agent of agents()) agent.look()
    const scaled = agents().filter(({ range }) => range.min < range.max)
    if (scaled.length === 0) return
    // While the engine cannot be asked, which is told elsewhere, everything stays as it is.
    const seen = await sample(lookMs / 2).catch(() => undefined)
    if (seen === undefined || this.#closed) return
    this.#loads.note(seen)
    for (const agent of scaled) this.#scale(agent, seen)
  }

  #scale(agent: Scaled, seen: Sample): void {
    const { clock, flow, log, pace = PACE } = this.#options
    const watched = this.#watched.get(agent) ?? { hysteresis: new Hysteresis(pace), busy: [] }
    this.#watched.set(agent, watched)
    // What a thread does while it loads, and while partitions change hands, is not what a datum costs.
    if (!agent.settled) {
      watched.busy = []
      watched.hysteresis.reset()
      return
    }
    const { replicas, wanted } = agent.facts()
    const own = placeFlow(flow(), agent.declared)
    const loops = replicas.reduce((sum, { loop = 0 }) => sum + loop, 0)
    watched.busy = [...watched.busy, agent.ofPrograms ? own.busy : loops].slice(-LOOKS)
    if (watched.busy.length < FEWEST_LOOKS) return

    const handled = own.handledPerSecond
    const busy = watched.busy.reduce((sum, share) => sum + share, 0) / watched.busy.length
    // Of a group that other processes are in, too, what this one does is its part.
    const ofGroup = seen.handledPerSecond.get(agent.agent) ?? 0
    const part = ofGroup > handled ? handled / ofGroup : 1
    const loads = this.#loads.of(agent.agent, seen)
    const partitions = loads.map(({ arrivalPerSecond, backlog }) => ({
      arrivalPerSecond: arrivalPerSecond * part,
      backlog: backlog * part,
    }))
    const lagMs = Math.max(0, ...loads.map(load => load.lagMs))
    const sizing = sizeFor(
      { partitions, secondsPerDatum: handled === 0 ? undefined : busy / handled, shared: agent.ofPrograms },
      agent.range.max,
    )
    const next = watched.hysteresis.next(clock.now(), wanted, sizing, lagMs)
    const count = Math.min(agent.range.max, Math.max(agent.range.min, next))
    if (count === wanted || sizing === undefined) return
    log.info(
      `${agent.agent} goes from ${wanted} to ${count} ${agent.ofPrograms ? 'programs' : 'replicas'}: ${arithmetic(sizing)}`,
      agent.agent,
    )
    watched.busy = []
    agent.scale(count)
  }
}

function arithmetic({ arrivalPerSecond, backlog, capacityPerSecond }: Sizing): string {
  const one = Number.isFinite(capacityPerSecond) ? `, and one does ${rateText(capacityPerSecond)} a second` : ''
  return `${rateText(arrivalPerSecond)} data a second arrive, ${rateText(backlog)} wait${one}.`
}
