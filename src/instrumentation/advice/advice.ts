import { agentOf } from '../../engine/engine.ts'
import type { PartitionLoad } from '../partition-loads.ts'
import { CATCH_UP_SECONDS, heaviestShare, type Sizing, sizeFor, TARGET } from '../sizing.ts'
import { countText, percentText, rateText, spanText } from '../words.ts'
import { agentValues, frontEndValues } from './chart-values.ts'
import { type AgentLoad, backlogOf, type FrontEndLoad } from './load.ts'
import { overObjective } from './objective.ts'

/** What to do. The first four are the decisions that instrumentation is for; the others say that none of them would help. */
export const DECISIONS = ['add_replicas', 'add_partitions', 're_engineer', 'scale_front_end', 'mend', 'wait'] as const
export type Decision = (typeof DECISIONS)[number]

/** What it comes from. */
export const CAUSES = [
  'load',
  'few_partitions',
  'hot_key',
  'slow_handler',
  'waiting_handler',
  'no_gain',
  'front_end',
  'away',
  'burst',
  'objective',
] as const
export type Cause = (typeof CAUSES)[number]

/** One sentence, the arithmetic, the evidence and what to type. */
export interface Advice {
  readonly decision: Decision
  readonly cause: Cause
  /** `forecast@2`, or `front end`. */
  readonly about: string
  /** For people, whole by itself. */
  readonly words: string
  /** The formula with its numbers in it; empty where nothing was computed. */
  readonly arithmetic: string
  /** What was measured, by name with its unit. */
  readonly evidence: Readonly<Record<string, number>>
  /** What to write or type, one after the other. */
  readonly steps: readonly string[]
  /** Values of the Helm chart that do the same on Kubernetes, in YAML; none where it is not a matter of scaling. */
  readonly manifest?: string
}

export const FRONT_END = 'front end'
/** Data that wait for a shorter time are nobody's business. */
const PRESSED_LAG_MS = 5_000
/** What will be done in so long by itself is a burst: to scale for it would take as long. */
const BURST_SECONDS = 300
/** Of the time that the present replicas have: beyond it what arrives is hardly done, however much waits. */
const FULL = 0.95
/** A datum takes so many times as long as it used to, and so much longer. */
const SLOWER = 2
const SLOWER_LEAST_SECONDS = 0.000_1
/** The fullest partition has so many times the mean. */
const HOT = 2.5
/** Full, and computing for no more than this of the time: the handlers wait for something. */
const WAITING = 0.5
const LEAST_COMPUTING = 0.05
/** The most replicas that are thought of. */
const MOST_REPLICAS = 1_000
const TURNED_AWAY = 0.01
const LOOP_FULL = 0.9
/** A diagnosis that says what is to be mended; how many there are of it does not matter then. */
const TO_MEND = new Set(['hung', 'poisoned', 'no_process', 'blocked', 'starved'])

/** An agent that has less of an objective's time in its own hands is not what it fails by. */
const MOST_OF_IT = 0.5
const ALL_OF_IT = 1

/** What is remembered of an agent. */
export interface Past {
  /** What a datum used to cost; undefined as long as that is not known. */
  readonly usualSecondsPerDatum: number | undefined
  /** More replicas were added for what it has to do, and nothing came of it. */
  readonly tried: boolean
}

/** What would help an agent, as seen at one moment; undefined where it needs nothing. */
export function adviseAgent(load: AgentLoad, past: Past): Advice | undefined {
  const backlog = backlogOf(load)
  if (load.lagMs < PRESSED_LAG_MS || backlog === 0) return overObjective(load, MOST_OF_IT)
  if (TO_MEND.has(load.state)) return mend(load, backlog)
  if (load.secondsPerDatum === undefined) return undefined
  const cost = load.secondsPerDatum
  return (
    overObjective(load, ALL_OF_IT) ??
    burst(load, backlog, cost) ??
    noGain(load, backlog, past) ??
    slowHandler(load, backlog, cost, past) ??
    capacity(load, backlog, cost)
  )
}

/** What would help this process's front end; undefined where it copes. */
export function adviseFrontEnd({ acceptedPerSecond, turnedAwayPerSecond, loop }: FrontEndLoad): Advice | undefined {
  const offered = acceptedPerSecond + turnedAwayPerSecond
  const turnedAway = offered === 0 ? 0 : turnedAwayPerSecond / offered
  if (loop < LOOP_FULL || offered === 0) return undefined
  const refused = turnedAway < TURNED_AWAY ? '' : ` and turns away ${percentText(turnedAway)} of what is sent`
  const wanted = Math.max(2, Math.ceil((loop * (1 + turnedAway)) / TARGET))
  return {
    decision: 'scale_front_end',
    cause: 'front_end',
    about: FRONT_END,
    words: `The front end is at work ${percentText(loop)} of the time${refused}: ${wanted} of them behind a load balancer.`,
    arithmetic: `ceil(${percentText(loop)} × (1 + ${percentText(turnedAway)}) / ${percentText(TARGET)}) = ${wanted}, at least 2`,
    evidence: {
      event_loop_share: loop,
      accepted_per_second: acceptedPerSecond,
      turned_away_per_second: turnedAwayPerSecond,
    },
    steps: ['millrace start <file> --role frontend --listen <address> --stream <kafka://…> --trace <redis://…>'],
    manifest: frontEndValues(wanted),
  }
}

function mend(load: AgentLoad, backlog: number): Advice {
  const { agent, stateWords } = load
  return {
    decision: 'mend',
    cause: 'away',
    about: agent,
    words: `${agent} is ${stateWords}: ${countText(backlog)} data wait for that, and no number of replicas helps.`,
    arithmetic: '',
    evidence: evidenceOf(load, backlog),
    steps: [`millrace agents`, `millrace dead list --agent ${agentOf(agent).name}`],
  }
}

function burst(load: AgentLoad, backlog: number, secondsPerDatum: number): Advice | undefined {
  const { agent, partitions, replicas, shared } = load
  const used = usedOf(partitions, replicas, shared, secondsPerDatum)
  if (used.heaviest >= FULL) return undefined
  const seconds = (used.heaviestBacklog * secondsPerDatum) / (1 - used.heaviest)
  if (seconds > BURST_SECONDS) return undefined
  const left = spanText(seconds * 1_000)
  return {
    decision: 'wait',
    cause: 'burst',
    about: agent,
    words: `${agent} is ${countText(backlog)} data behind after a burst, and done with them in about ${left} by itself: nothing is to be scaled.`,
    arithmetic: `${countText(used.heaviestBacklog)} on its fullest replica × ${costText(secondsPerDatum)} / (1 − ${percentText(used.heaviest)}) = ${left}`,
    evidence: evidenceOf(load, backlog),
    steps: [],
  }
}

function noGain(load: AgentLoad, backlog: number, { tried }: Past): Advice | undefined {
  const { agent, replicas } = load
  if (!tried) return undefined
  return {
    decision: 're_engineer',
    cause: 'no_gain',
    about: agent,
    words: `${agent} is ${countText(backlog)} data behind with ${replicas} replicas, and those added last have not helped: what they share (a database, a lock, the machine's processors) is the limit.`,
    arithmetic: '',
    evidence: evidenceOf(load, backlog),
    steps: ['millrace agents', 'compare its busy time with the processors that the machine has left'],
  }
}

function slowHandler(load: AgentLoad, backlog: number, cost: number, { usualSecondsPerDatum: usual }: Past): Advice | undefined {
  const { agent } = load
  if (usual === undefined || cost < usual * SLOWER || cost < usual + SLOWER_LEAST_SECONDS) return undefined
  return {
    decision: 're_engineer',
    cause: 'slow_handler',
    about: agent,
    words: `${agent} takes ${costText(cost)} for a datum where ${costText(usual)} were usual, and is ${countText(backlog)} data behind: find what has become slow in it or behind it.`,
    arithmetic: `${costText(cost)} / ${costText(usual)} = ${rateText(cost / usual)} times`,
    evidence: { ...evidenceOf(load, backlog), usual_seconds_per_datum: usual },
    steps: ['millrace agents', 'a profile of its handler: node --cpu-prof'],
  }
}

/** More arrives than the replicas do: either more of them help, or more partitions, or neither. */
function capacity(load: AgentLoad, backlog: number, secondsPerDatum: number): Advice | undefined {
  const { agent, isStore, partitions, replicas, shared, computing } = load
  const evidence = evidenceOf(load, backlog)
  const common = { about: agent, evidence }
  const used = usedOf(partitions, replicas, shared, secondsPerDatum)
  const says = `${agent} is ${percentText(Math.min(1, used.heaviest))} busy on its fullest ${shared ? 'program' : 'partition'} and ${countText(backlog)} data behind`
  if (used.heaviest >= FULL && computing < load.busy * WAITING) {
    return {
      ...common,
      decision: 're_engineer',
      cause: 'waiting_handler',
      words: `${says}, yet computes for ${percentText(computing)} of the time: ${isStore ? 'it waits for its store. Find what slows that, or let it roll less often.' : 'its handlers wait. Let more of them wait at once by its concurrency.'}`,
      arithmetic: `${percentText(computing)} of the time computing, ${percentText(Math.min(1, load.busy))} with data in hand`,
      steps: [`in the pipeline, of ${agent}: ${isStore ? 'a longer roll.age' : `concurrency: ${atOnce(load)}`}`],
    }
  }
  const most = shared ? MOST_REPLICAS : Math.min(partitions.length, MOST_REPLICAS)
  const sizing = sizeFor({ partitions, secondsPerDatum, shared }, most)
  if (sizing === undefined) return undefined
  const formula = `ceil((${rateText(sizing.arrivalPerSecond)}/s + ${countText(backlog)} / ${CATCH_UP_SECONDS} s) / (${rateText(sizing.capacityPerSecond)}/s × ${TARGET}))`
  const whole = Math.ceil(((sizing.arrivalPerSecond + backlog / CATCH_UP_SECONDS) * secondsPerDatum) / TARGET)
  const steady = steadyFor(load, secondsPerDatum, most)
  if (steady !== undefined && steady > replicas) return replicasAdvice(load, says, { ...common, formula, whole, steady, sizing })
  // No number of replicas is enough: is it one partition, or all of them?
  const shares = partitions.map(partition => partition.arrivalPerSecond)
  const mean = sum(shares) / Math.max(1, shares.length)
  const [hottest] = partitions.toSorted((a, b) => b.arrivalPerSecond - a.arrivalPerSecond)
  if (hottest !== undefined && partitions.length > 1 && hottest.arrivalPerSecond > mean * Math.min(HOT, partitions.length * 0.75)) {
    const share = hottest.arrivalPerSecond / sum(shares)
    return {
      ...common,
      decision: 're_engineer',
      cause: 'hot_key',
      words: `${says}: ${percentText(share)} of its data are in partition ${hottest.partition} of ${hottest.topic}, which one replica has to do. Choose a key that spreads them.`,
      arithmetic: `${rateText(hottest.arrivalPerSecond)}/s of ${rateText(sum(shares))}/s, and one replica does ${rateText(sizing.capacityPerSecond)}/s`,
      steps: [`millrace topics`, `in the pipeline, a key of ${hottest.topic} with more values, or a second one in it`],
    }
  }
  const wanted = Math.max(partitions.length + 1, whole)
  return {
    ...common,
    decision: 'add_partitions',
    cause: 'few_partitions',
    words: `${says}; even a replica for each of its ${partitions.length} partitions would not keep up: ${wanted} partitions, and as many replicas.`,
    arithmetic: `${formula} = ${whole}`,
    steps: [
      `a topic with partitions: ${wanted} beside ${topicsText(partitions)} (docs/operations.md, more partitions)`,
      `in the pipeline, of ${agent}: replicas: { min: 1, max: ${wanted} }`,
    ],
  }
}

/** So many wait at once that the rest of the time is computed in. */
function atOnce({ busy, computing }: AgentLoad): number {
  return Math.max(2, Math.ceil(busy / Math.max(computing, LEAST_COMPUTING)))
}

function replicasAdvice(
  load: AgentLoad,
  says: string,
  {
    formula,
    whole,
    steady,
    sizing,
    ...common
  }: { about: string; evidence: Advice['evidence']; formula: string; whole: number; steady: number; sizing: Sizing },
): Advice | undefined {
  const { agent, partitions, isStore, shared, replicas, mostReplicas } = load
  const fast = Math.max(steady, sizing.replicas)
  // It gives itself as many: see runtime/scaler.ts.
  if (mostReplicas >= fast) return undefined
  const catchUp = fast > steady ? `, ${fast} clear the backlog in ${CATCH_UP_SECONDS} s` : ''
  const scaling = { agent, partitions, min: steady, max: fast, capacityPerSecond: sizing.capacityPerSecond }
  return {
    ...common,
    decision: 'add_replicas',
    cause: 'load',
    words: `${says}, with ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}: ${steady} keep up with what arrives${catchUp}.${roomText(load, fast)}`,
    arithmetic: `${formula} = ${whole}${fast > whole ? `; ${fast}, since partitions are shared out whole` : ''}`,
    steps: [
      ...(isStore
        ? []
        : [
            `in the pipeline, of ${agent}: ${shared ? 'command(…, { ' : ''}replicas: { min: ${steady}, max: ${fast} }${shared ? ' })' : ''}`,
          ]),
      `${isStore ? '' : 'or '}on Kafka, in another process: millrace start <file> --role agents --agents ${agentOf(agent).name}`,
    ],
    // All storage agents are one Deployment of the chart, with a number that people set.
    ...(isStore ? {} : { manifest: agentValues(scaling) }),
  }
}

/** Replicas that compute need processors, which other agents want, too. */
function roomText({ computing, processors }: AgentLoad, replicas: number): string {
  const room = Math.max(1, Math.floor(processors / Math.max(computing, LEAST_COMPUTING)))
  if (replicas <= room) return ''
  return ` This machine's ${processors === 1 ? 'one processor has' : `${processors} processors have`} room for ${room} at most: the others belong on another machine, which takes Kafka.`
}

/** The fewest replicas that keep up with what arrives; undefined where no number does. */
function steadyFor({ partitions, shared }: AgentLoad, secondsPerDatum: number, most: number): number | undefined {
  const arriving = partitions.map(partition => ({ ...partition, backlog: 0 }))
  const sizing = sizeFor({ partitions: arriving, secondsPerDatum, shared }, most)
  return sizing === undefined || sizing.heaviest >= FULL ? undefined : sizing.replicas
}

/** How busy the fullest replica is by what arrives, and how much waits for it. */
function usedOf(
  partitions: readonly PartitionLoad[],
  replicas: number,
  shared: boolean,
  secondsPerDatum: number,
): { heaviest: number; heaviestBacklog: number } {
  const count = Math.max(1, shared ? replicas : Math.min(replicas, partitions.length))
  const arrivals = partitions.map(partition => partition.arrivalPerSecond * secondsPerDatum)
  const backlogs = partitions.map(partition => partition.backlog)
  if (shared) return { heaviest: sum(arrivals) / count, heaviestBacklog: sum(backlogs) / count }
  return { heaviest: heaviestShare(arrivals, count), heaviestBacklog: heaviestShare(backlogs, count) }
}

function evidenceOf(load: AgentLoad, backlog: number): Record<string, number> {
  const { partitions, handledPerSecond, replicas, busy, computing, lagMs, secondsPerDatum } = load
  return {
    arrival_per_second: sum(partitions.map(partition => partition.arrivalPerSecond)),
    handled_per_second: handledPerSecond,
    lag: backlog,
    lag_seconds: lagMs / 1_000,
    replicas,
    partitions: partitions.length,
    busy_share: busy,
    computing_share: computing,
    ...(secondsPerDatum === undefined ? {} : { seconds_per_datum: secondsPerDatum }),
  }
}

function topicsText(partitions: readonly PartitionLoad[]): string {
  return [...new Set(partitions.map(({ topic }) => topic))].join(' and ')
}

function costText(seconds: number): string {
  return `${rateText(seconds * 1_000)} ms`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
