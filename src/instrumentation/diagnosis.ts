import type { HeldDatum, Position, ProcessFacts, ReplicaFacts } from './replica.ts'
import { countText, percentText, spanText } from './words.ts'

/** How an agent is, in one word; the rules are below and in docs/instrumentation.md, in the order in which they are asked. */
export const AGENT_STATES = ['paused', 'hung', 'poisoned', 'no_process', 'blocked', 'starved', 'slow', 'behind', 'healthy'] as const
export type AgentState = (typeof AGENT_STATES)[number]

export interface Diagnosis {
  readonly state: AgentState
  /** For people, the state first: `hung on 0198… for 42 s, in predict (model.ts:12)`. */
  readonly words: string
  /** The datum that it is about. */
  readonly datum?: Position
  readonly stack?: string
}

/** What is known of an agent at one moment. */
export interface AgentFacts {
  readonly nowMs: number
  /** As declared. 0 and undefined where it has none. Attempts may be Infinity. */
  readonly timeoutMs: number
  readonly attempts: number
  readonly ordered: boolean
  /** Its program answers in its own time: a datum that waits its turn there does not hang. */
  readonly isRemote: boolean
  /** How long a storage agent lets data gather. */
  readonly rollMs: number
  /** Undefined where it is not this process's to run: then its places in the stream are all that is known. */
  readonly process: ProcessFacts | undefined
  /** It takes nothing until somebody resumes it. */
  readonly paused: { readonly by: string; readonly atMs: number } | undefined
  /** Data not committed, the age of the oldest, and by how many a second they have become more in the last {@link TREND_MS}. */
  readonly lag: number
  readonly lagMs: number
  readonly lagPerSecond: number | undefined
  /** When any member of its group was last seen to commit; when it was first looked at, where that is later. */
  readonly movedMs: number
  /** Share of the time in which it had something in hand, added up over its replicas. */
  readonly busy: number
  /** What became of its last data: see `last-outcomes.ts`. */
  readonly last: { readonly data: number; readonly dead: number }
  /** The commonest reason among its latest dead letters. */
  readonly deadReason: string | undefined
  /** The data_id at a position; undefined as long as nobody has looked. */
  readonly idAt: (position: Position) => string | undefined
}

/** An attempt may take its timeout; from half of it on, and never before a second, it is said to hang. */
const HUNG_SHARE = 0.5
const HUNG_LEAST_MS = 1_000
/** A datum is poison when it has ended its thread so often, */
const POISON_ENDINGS = 2
/** or has failed so often and holds back what follows it; */
const POISON_ATTEMPTS = 3
/** an agent is poisoned when so many of its last data are dead, and such a share. */
const POISON_DEAD = 5
const POISON_SHARE = 0.1
/** An agent that others run is without a process when data wait and nothing has moved for so long. */
const NO_PROCESS_MS = 30_000
/** What is held for a shorter time is a hiccup. */
const BLOCKED_MS = 2_000
/** Data wait, nothing is in hand and nothing has moved for so long. */
const STARVED_MS = 10_000
/** The event loop has no time left for data. */
const LOOP_TAKEN = 0.9
/** Busy for such a share of each replica's time, */
const SLOW_BUSY = 0.8
/** with data that wait for so long and become more. */
const SLOW_LAG_MS = 5_000
export const TREND_MS = 30_000
const BEHIND_MS = 60_000

/** How long an attempt is in hand until it is said to hang. */
export function hungAfterMs(timeoutMs: number): number {
  return Math.max(HUNG_LEAST_MS, timeoutMs * HUNG_SHARE)
}

/** Judges an agent: the first rule that holds, from what stops it altogether to what only slows it down. */
export function diagnose(facts: AgentFacts): Diagnosis {
  return (
    paused(facts) ??
    hung(facts) ??
    poisoned(facts) ??
    withoutProcess(facts) ??
    blocked(facts) ??
    starved(facts) ??
    slow(facts) ??
    behind(facts) ?? { state: 'healthy', words: 'healthy' }
  )
}

function paused({ nowMs, paused: decided, process, lag }: AgentFacts): Diagnosis | undefined {
  if (decided === undefined) return undefined
  const held = process?.replicas.reduce((sum, { inHand }) => sum + inHand.length, 0) ?? 0
  const still = held === 0 ? '' : `, ${countText(held)} in hand to be finished`
  const waiting = lag === 0 ? 'nothing waits' : `${countText(lag)} data wait`
  return { state: 'paused', words: `paused by ${decided.by} for ${spanText(Math.max(0, nowMs - decided.atMs))}; ${waiting}${still}` }
}

function hung({ nowMs, timeoutMs, isRemote, movedMs, process, idAt }: AgentFacts): Diagnosis | undefined {
  const afterMs = hungAfterMs(timeoutMs)
  // A program has a thousand data in hand and works on one: it hangs when it answers none.
  if (isRemote && nowMs - movedMs < afterMs) return undefined
  // What is in hand while something is away waits for that, such as for a program that does not come up.
  const held = oldest(process?.replicas.flatMap(replica => (replica.held === undefined ? replica.inHand : [])) ?? [])
  if (held === undefined || nowMs - held.startedMs < afterMs) return undefined
  const where = held.stack === undefined ? '' : `, in ${topFrame(held.stack)}`
  const waits = held.current || isRemote ? '' : ': its handler waits for something that does not come'
  return {
    state: 'hung',
    words: `hung on ${nameOf(held, idAt)} for ${spanText(nowMs - held.startedMs)}${where}${waits}`,
    datum: placeOf(held),
    ...(held.stack === undefined ? {} : { stack: held.stack }),
  }
}

function poisoned({ process, attempts, ordered, last, deadReason, idAt }: AgentFacts): Diagnosis | undefined {
  const because = (reason: string | undefined) => (reason === undefined ? '' : `: ${reason}`)
  const ended = process?.suspects.find(suspect => suspect.attempts >= POISON_ENDINGS)
  if (ended !== undefined) {
    const words = `poisoned: ${nameOf(ended, idAt)} has ended its thread, at ${triesText(ended.attempts, attempts)}${because(ended.reason)}`
    return { state: 'poisoned', words, datum: placeOf(ended) }
  }
  const failing = process?.replicas.flatMap(replica => replica.failing).find(datum => datum.attempts >= POISON_ATTEMPTS)
  if (ordered && failing !== undefined) {
    const words = `poisoned: ${nameOf(failing, idAt)} has failed ${triesText(failing.attempts, attempts)} and holds back what follows it in its partition`
    return { state: 'poisoned', words, datum: placeOf(failing) }
  }
  if (last.dead < POISON_DEAD || last.dead < last.data * POISON_SHARE) return undefined
  return { state: 'poisoned', words: `poisoned: ${last.dead} of the last ${last.data} data failed${because(deadReason)}` }
}

/** Agents that gather windows have attempts without end. */
function triesText(used: number, most: number): string {
  return Number.isFinite(most) ? `${used} of ${most} attempts` : `${used} attempts`
}

function withoutProcess({ nowMs, process, lag, lagMs, movedMs, rollMs }: AgentFacts): Diagnosis | undefined {
  if (process === undefined) {
    const patienceMs = NO_PROCESS_MS + rollMs
    if (lag === 0 || lagMs < patienceMs || nowMs - movedMs < patienceMs) return undefined
    const words = `no process: ${countText(lag)} data wait, and nobody has taken any for ${spanText(nowMs - movedMs)}`
    return { state: 'no_process', words }
  }
  const down = process.replicas.filter(isDown)
  if (down.length < process.replicas.length) return undefined
  const [replica] = down
  if (replica === undefined) return { state: 'no_process', words: 'no process: none of its threads runs' }
  const times = replica.restarts === 1 ? 'once' : `${replica.restarts} times`
  const why = replica.lastError === undefined ? '' : `, the last time for: ${replica.lastError}`
  return { state: 'no_process', words: `no process: its thread has ended ${times}${why}` }
}

/** One that is loading for the first time is on its way. */
function isDown({ state, restarts }: ReplicaFacts): boolean {
  return state === 'waiting' || state === 'stopped' || (state === 'loading' && restarts > 0)
}

function blocked({ nowMs, process }: AgentFacts): Diagnosis | undefined {
  const held = process?.replicas.flatMap(replica => replica.held ?? []).find(({ sinceMs }) => nowMs - sinceMs >= BLOCKED_MS)
  if (held === undefined) return undefined
  const forText = spanText(nowMs - held.sinceMs)
  // Some reasons say by themselves what they do.
  const words = /^(blocked|paused)\b/.test(held.reason) ? `${held.reason} (for ${forText})` : `blocked for ${forText}: ${held.reason}`
  return { state: 'blocked', words }
}

function starved({ nowMs, process, lag, lagMs, movedMs, rollMs }: AgentFacts): Diagnosis | undefined {
  // What a storage agent writes is not seen in anybody's hands, and a large roll takes its time.
  if (process === undefined || lag === 0 || rollMs > 0) return undefined
  const replicas = process.replicas.filter(({ state }) => state === 'running')
  const sinceMs = Math.max(movedMs, nowMs - lagMs, Math.min(...replicas.map(replica => replica.sinceMs)))
  if (nowMs - sinceMs < STARVED_MS) return undefined
  if (replicas.some(({ inHand, failing }) => inHand.length + failing.length > 0)) return undefined
  const wait = `starved: ${countText(lag)} data wait, the oldest for ${spanText(lagMs)}`
  const isTaken = replicas.some(({ loop = 0 }) => loop >= LOOP_TAKEN)
  const why = isTaken
    ? 'its thread has no time for them: a timer, an import or windows that are rebuilt take all of it, or others take the processors'
    : 'none of its threads is given any: another member of its group has the partitions and does not work, or the stream does not deliver'
  return { state: 'starved', words: `${wait}, and ${why}` }
}

function slow({ process, busy, lag, lagMs, lagPerSecond = 0, rollMs }: AgentFacts): Diagnosis | undefined {
  const count = Math.max(1, process?.wanted ?? 1)
  if (busy < SLOW_BUSY * count || lagMs < SLOW_LAG_MS + rollMs || lagPerSecond <= 0) return undefined
  const more = lagPerSecond >= 1 ? `${countText(lagPerSecond)} more each second` : 'more every minute'
  return { state: 'slow', words: `slow: ${percentText(Math.min(1, busy / count))} busy, ${countText(lag)} data behind and ${more}` }
}

function behind({ lag, lagMs, lagPerSecond, rollMs }: AgentFacts): Diagnosis | undefined {
  if (lag === 0 || lagMs < BEHIND_MS + rollMs) return undefined
  const left =
    lagPerSecond !== undefined && lagPerSecond < 0 ? `, and caught up in ${spanText((lag / -lagPerSecond) * 1_000)} at this rate` : ''
  return { state: 'behind', words: `behind: ${countText(lag)} data wait, the oldest for ${spanText(lagMs)}${left}` }
}

/** The one on the stack keeps its thread from all others, whichever waits longer. */
function oldest(held: readonly HeldDatum[]): HeldDatum | undefined {
  return held.toSorted((a, b) => Number(b.current) - Number(a.current) || a.startedMs - b.startedMs)[0]
}

function placeOf({ topic, partition, offset }: Position): Position {
  return { topic, partition, offset }
}

function nameOf(position: Position, idAt: AgentFacts['idAt']): string {
  return idAt(position) ?? `${position.topic}/${position.partition}/${position.offset}`
}

/** `at predict (file:///home/me/model.ts:12:3)` as `predict (model.ts:12)`. */
function topFrame(stack: string): string {
  const [frame = ''] = stack.split('\n', 1)
  return frame.replace(/^\s*at /, '').replace(/\((?:.*\/)?([^/]+?:\d+)(?::\d+)?\)$/, '($1)')
}
