import type { AgentState } from '../diagnosis.ts'
import type { PartitionLoad } from '../partition-loads.ts'

/** What an agent has to do and how it copes, at one moment: all that the advice about it is made from. */
export interface AgentLoad {
  /** `forecast@2` */
  readonly agent: string
  readonly state: AgentState
  /** Of the diagnosis, for people. */
  readonly stateWords: string
  /** Replicas that it has, and the most that its declaration lets it have by itself. */
  readonly replicas: number
  readonly mostReplicas: number
  /** A storage agent: it has no handler, and one thread in a process. */
  readonly isStore: boolean
  /** Any replica may work on any datum, as programs of one agent do; else each partition is one replica's. */
  readonly shared: boolean
  /** In the order in which they are shared out. */
  readonly partitions: readonly PartitionLoad[]
  readonly handledPerSecond: number
  /** Busy time of a replica that one datum costs; undefined where nothing was handled. */
  readonly secondsPerDatum: number | undefined
  /** Share of its replicas' time in which they had something in hand, and in which they computed: 1 is all of it. */
  readonly busy: number
  readonly computing: number
  /** That the machine has, for all agents on it. */
  readonly processors: number
  /** The oldest datum that waits, beyond the time that a storage agent lets data gather. */
  readonly lagMs: number
  /** Where an objective is missed and this agent takes the most of the time on its path: how long a unit of its work takes, and what for. */
  readonly objective?: {
    readonly name: string
    readonly withinMs: number
    readonly burn: number
    readonly serviceMs: number
    /** For which a storage agent lets data gather first. */
    readonly rollMs: number
  }
}

/** Data that wait for an agent. */
export function backlogOf({ partitions }: AgentLoad): number {
  return partitions.reduce((sum, { backlog }) => sum + backlog, 0)
}

/** How this process's front end copes. */
export interface FrontEndLoad {
  readonly acceptedPerSecond: number
  /** Answered 429 or 503: they come again. */
  readonly turnedAwayPerSecond: number
  /** Share of the time in which the main thread's event loop was at work. */
  readonly loop: number
}
