import type { Advice } from '../../../src/instrumentation/advice/advice.ts'
import { Advisor } from '../../../src/instrumentation/advice/advisor.ts'
import type { AgentLoad, FrontEndLoad } from '../../../src/instrumentation/advice/load.ts'

const STEP_SECONDS = 2
/** Rates are measured over so many steps, as the instruments do. */
const WINDOW = 5
const CALM_SECONDS = 240
const TROUBLE_SECONDS = 150

/** What befalls an agent that has coped so far. */
export interface Trouble {
  /** Data a second, times what they were, for so long (default: on and on). */
  readonly arrival?: { readonly times: number; readonly seconds?: number }
  /** Busy time of a datum, times what it was. */
  readonly cost?: number
  /** The share of all data that one partition gets. */
  readonly hot?: number
  /** What the agent waits for. */
  readonly away?: boolean
  readonly frontEnd?: Pick<FrontEndLoad, 'loop' | 'turnedAwayPerSecond'>
}

export interface Agent {
  readonly partitions: number
  readonly replicas: number
  /** Data a second as long as all is calm. */
  readonly arrivalPerSecond: number
  readonly secondsPerDatum: number
  /** Of the time in which it has something in hand. */
  readonly computing: number
}

interface Step {
  readonly arrived: readonly number[]
  readonly handled: number
  readonly busy: number
}

/**
 * An agent as a queue for each partition and a server for each replica, in steps of two seconds; what the instruments would measure of it
 * is given to an advisor. Calm first, then the trouble. @returns all advice that was given from then on, in order.
 */
export function simulate(agent: Agent, trouble: Trouble, random: () => number): Advice['cause'][] {
  const advisor = new Advisor()
  const queues: { atMs: number; count: number }[][] = Array.from({ length: agent.partitions }, () => [])
  const steps: Step[] = []
  const given: Advice['cause'][] = []
  const jitter = (share: number) => 1 + (random() * 2 - 1) * share
  const hottest = Math.floor(random() * agent.partitions)
  for (let second = 0; second < CALM_SECONDS + TROUBLE_SECONDS; second += STEP_SECONDS) {
    const nowMs = second * 1_000
    const since = second - CALM_SECONDS
    const now = since >= 0 ? trouble : {}
    const rises = now.arrival !== undefined && since < (now.arrival.seconds ?? Number.POSITIVE_INFINITY) ? now.arrival.times : 1
    const even = 1 / agent.partitions
    const shareOf = (partition: number) => {
      if (now.hot === undefined) return even
      return partition === hottest ? now.hot : (1 - now.hot) / (agent.partitions - 1)
    }
    const arrived = queues.map((queue, partition) => {
      const count = agent.arrivalPerSecond * rises * shareOf(partition) * STEP_SECONDS * jitter(0.15)
      queue.push({ atMs: nowMs, count })
      return count
    })
    const cost = agent.secondsPerDatum * (now.cost ?? 1) * jitter(0.05)
    let handled = 0
    let busy = 0
    for (let replica = 0; replica < agent.replicas; replica++) {
      let left = now.away ? 0 : STEP_SECONDS
      const own = queues.filter((_, partition) => Math.floor((partition * agent.replicas) / agent.partitions) === replica)
      // Round about, as partitions take turns in a thread.
      while (left > 1e-9 && own.some(queue => queue.length > 0)) {
        const waiting = own.filter(queue => queue.length > 0)
        const slice = left / waiting.length
        for (const queue of waiting) {
          const head = queue[0]!
          const taken = Math.min(head.count, slice / cost)
          head.count -= taken
          handled += taken
          busy += taken * cost
          left -= taken * cost
          if (head.count < 1e-9) queue.shift()
        }
      }
    }
    steps.push({ arrived, handled, busy })
    if (steps.length > WINDOW) steps.shift()
    const load = measured(agent, queues, steps, nowMs + STEP_SECONDS * 1_000, now)
    const frontEnd: FrontEndLoad = {
      acceptedPerSecond: agent.arrivalPerSecond,
      turnedAwayPerSecond: now.frontEnd?.turnedAwayPerSecond ?? 0,
      loop: now.frontEnd?.loop ?? 0.3 * jitter(0.3),
    }
    advisor.note(nowMs, [load], frontEnd)
    if (since >= 0) for (const { cause } of advisor.read().advice) if (given.at(-1) !== cause) given.push(cause)
  }
  return given
}

function measured(
  agent: Agent,
  queues: readonly { atMs: number; count: number }[][],
  steps: readonly Step[],
  nowMs: number,
  now: Trouble,
): AgentLoad {
  const seconds = steps.length * STEP_SECONDS
  const handled = steps.reduce((sum, step) => sum + step.handled, 0)
  const busy = steps.reduce((sum, step) => sum + step.busy, 0)
  const share = busy / seconds / agent.replicas
  const partitions = queues.map((queue, partition) => ({
    topic: 'demand',
    partition,
    arrivalPerSecond: steps.reduce((sum, step) => sum + step.arrived[partition]!, 0) / seconds,
    backlog: queue.reduce((sum, { count }) => sum + count, 0),
    lagMs: queue[0] === undefined ? 0 : nowMs - queue[0].atMs,
  }))
  return {
    agent: 'forecast@2',
    state: now.away ? 'blocked' : 'healthy',
    stateWords: now.away ? 'blocked for 42 s: the store is away' : 'healthy',
    replicas: agent.replicas,
    mostReplicas: agent.replicas,
    isStore: false,
    shared: false,
    partitions,
    handledPerSecond: handled / seconds,
    secondsPerDatum: handled === 0 ? undefined : busy / handled,
    busy: share,
    computing: share * agent.computing,
    processors: 8,
    lagMs: Math.max(0, ...partitions.map(partition => partition.lagMs)),
  }
}
