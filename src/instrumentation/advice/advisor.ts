import { agentOf } from '../../engine/engine.ts'
import { countText } from '../words.ts'
import { type Advice, adviseAgent, adviseFrontEnd, FRONT_END } from './advice.ts'
import { type AgentLoad, backlogOf, type FrontEndLoad } from './load.ts'
import { Usual } from './usual.ts'

/** Advice that stands. */
export interface Given extends Advice {
  /** Milliseconds since 1970 UTC. */
  readonly sinceMs: number
}

/** Advice that was followed, and what came of it. */
export interface Followed {
  readonly about: string
  readonly decision: Advice['decision']
  /** When it was seen to be done, milliseconds since 1970 UTC. */
  readonly doneMs: number
  readonly lagBefore: number
  readonly lagAfter: number
  readonly helped: boolean
  /** `done 10:02 UTC; lag 3,100 → 40: it helped` */
  readonly words: string
}

export interface Advised {
  readonly advice: readonly Given[]
  /** The latest last; at most {@link MOST_FOLLOWED}. */
  readonly followed: readonly Followed[]
}

/** Advice is given once it has been called for all this time, and taken back when it has not been for as long: load comes and goes. */
const GIVE_MS = 20_000
const TAKE_MS = 30_000
/** What was done shows by then. */
const FOLLOW_MS = 60_000
const MOST_FOLLOWED = 20
/** It helped where so little of the lag is left. */
const HELPED = 0.5

/** What is remembered of an agent, or of the front end. */
interface Memory {
  readonly usual: Usual
  wanted: { readonly cause: Advice['cause']; readonly sinceMs: number } | undefined
  given: Given | undefined
  calledMs: number
  done: { readonly advice: Given; readonly atMs: number; readonly lag: number } | undefined
  /** More replicas have not helped. */
  tried: boolean
}

/** Gives advice unhurriedly, and looks whether it helped. Everything is in memory: another process, or a new start, looks for itself. */
export class Advisor {
  readonly #memories = new Map<string, Memory>()
  readonly #followed: Followed[] = []

  /** Takes note of how everything is, every few seconds. @param frontEnd undefined where this process has none. */
  note(nowMs: number, loads: readonly AgentLoad[], frontEnd: FrontEndLoad | undefined): void {
    const abouts = new Set([...loads.map(({ agent }) => agent), FRONT_END])
    for (const [about, memory] of this.#memories) {
      if (abouts.has(about)) continue
      this.#inherit(about, memory, loads, nowMs)
      this.#memories.delete(about)
    }
    for (const load of loads) {
      const memory = this.#of(load.agent)
      // What a datum costs while others wait for it is what it costs: one by one, each would seem dear.
      if (load.secondsPerDatum !== undefined) memory.usual.note(nowMs, load.secondsPerDatum)
      this.#follow(memory, load, nowMs)
      consider(memory, adviseAgent(load, { usualSecondsPerDatum: memory.usual.at(nowMs), tried: memory.tried }), nowMs)
    }
    if (frontEnd !== undefined) consider(this.#of(FRONT_END), adviseFrontEnd(frontEnd), nowMs)
  }

  read(): Advised {
    return { advice: [...this.#memories.values()].flatMap(({ given }) => given ?? []), followed: [...this.#followed] }
  }

  /** Looks whether what was advised has been done, and after a while what came of it. */
  #follow(memory: Memory, load: AgentLoad, nowMs: number): void {
    const { given, done } = memory
    if (given !== undefined && done === undefined && isDone(given, load)) {
      memory.done = { advice: given, atMs: nowMs, lag: backlogOf(load) }
      memory.given = undefined
      memory.wanted = undefined
    } else if (done !== undefined && nowMs - done.atMs >= FOLLOW_MS) {
      const helped = backlogOf(load) <= done.lag * HELPED
      this.#conclude(done, backlogOf(load), helped)
      memory.tried = !helped && done.advice.decision === 'add_replicas'
      memory.done = undefined
    }
  }

  /** A version that has taken the place of one with advice: it is what was done about it. */
  #inherit(about: string, { given }: Memory, loads: readonly AgentLoad[], nowMs: number): void {
    const { name } = agentOf(about)
    const heir = loads.find(({ agent }) => agentOf(agent).name === name)
    if (heir === undefined || given === undefined) return
    this.#of(heir.agent).done = { advice: given, atMs: nowMs, lag: given.evidence.lag ?? 0 }
  }

  #conclude({ advice, atMs, lag }: NonNullable<Memory['done']>, lagAfter: number, helped: boolean): void {
    const { about, decision } = advice
    const at = new Date(atMs).toISOString().slice(11, 16)
    const words = `${about}: done ${at} UTC; lag ${countText(lag)} → ${countText(lagAfter)}: it ${helped ? 'helped' : 'did not help'}.`
    this.#followed.push({ about, decision, doneMs: atMs, lagBefore: lag, lagAfter, helped, words })
    if (this.#followed.length > MOST_FOLLOWED) this.#followed.shift()
  }

  #of(about: string): Memory {
    let memory = this.#memories.get(about)
    if (memory === undefined) {
      memory = { usual: new Usual(), wanted: undefined, given: undefined, calledMs: 0, done: undefined, tried: false }
      this.#memories.set(about, memory)
    }
    return memory
  }
}

function consider(memory: Memory, advice: Advice | undefined, nowMs: number): void {
  // What was just done has not shown yet.
  if (memory.done !== undefined) return
  if (advice === undefined) memory.wanted = undefined
  else if (memory.wanted?.cause !== advice.cause) memory.wanted = { cause: advice.cause, sinceMs: nowMs }
  if (memory.given !== undefined && memory.given.cause === advice?.cause) {
    memory.given = { ...advice, sinceMs: memory.given.sinceMs }
    memory.calledMs = nowMs
  } else if (advice !== undefined && nowMs - memory.wanted!.sinceMs >= GIVE_MS) {
    memory.given = { ...advice, sinceMs: nowMs }
    memory.calledMs = nowMs
  } else if (nowMs - memory.calledMs >= TAKE_MS) memory.given = undefined
}

function isDone({ decision, evidence }: Given, load: AgentLoad): boolean {
  if (decision === 'add_replicas') return load.replicas > (evidence.replicas ?? 0)
  return decision === 'add_partitions' && load.partitions.length > (evidence.partitions ?? 0)
}
