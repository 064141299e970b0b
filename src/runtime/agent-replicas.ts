import type { Replicas } from '../agents/policies.ts'
import { progressTopics } from '../agents/progress.ts'
import type { ProcessFacts } from '../instrumentation/replica.ts'
import type { AnyAgent } from '../pipeline.ts'
import { Host, type HostContext } from './host.ts'
import { Suspects } from './suspects.ts'

/** A replica too many has what its agent's timeout allows to finish what it has in hand, and this much more to commit it. */
const LEAVE_MS = 5_000
const STORES_ALONE: Replicas = { min: 1, max: 1 }

/**
 * One agent@version in this process: so many threads of it as it is scaled to, each one more member of its group; or one thread, whose
 * programs are scaled. The stream shares its partitions out anew whenever one comes or goes, so no datum is lost by it, and none takes effect twice.
 */
export class AgentReplicas {
  /** `name@version`. */
  readonly agent: string
  readonly declared: AnyAgent
  /** What it may be scaled to; `max` is never more than there are partitions to share. */
  readonly range: Replicas
  /** It is programs that are scaled, and not threads. */
  readonly ofPrograms: boolean
  readonly #file: string
  readonly #context: HostContext
  readonly #suspects: Suspects
  #hosts: Host[] = []
  /** Those that finish what they have in hand. */
  readonly #leaving = new Set<Host>()
  #number = 0
  #wanted: number
  #changing: Promise<void> | undefined
  #stopping = false

  /** Starts to load its code. @param before how many there were of it, where it comes in the place of another. */
  constructor(file: string, declared: AnyAgent, context: HostContext, before = 1) {
    this.agent = `${declared.name}@${declared.version}`
    this.declared = declared
    this.#file = file
    this.#context = context
    this.ofPrograms = declared.kind === 'agent' && declared.remote?.replicas !== undefined
    this.range = rangeOf(declared)
    this.#suspects = new Suspects(declared.kind === 'agent' ? progressTopics(declared).map(topic => topic.name) : [])
    this.#wanted = Math.min(this.range.max, Math.max(this.range.min, before))
    for (let threads = this.ofPrograms ? 1 : this.#wanted; threads > 0; threads--) this.#add()
  }

  /** How many there are to be. */
  get wanted(): number {
    return this.#wanted
  }

  /** Whether as many run as are wanted, so that what is measured is theirs. */
  get settled(): boolean {
    return this.#changing === undefined && this.#leaving.size === 0 && this.#hosts.every(host => host.facts().state === 'running')
  }

  /** Resolves when the code is loaded in every thread. @throws what keeps it from loading. */
  get ready(): Promise<unknown> {
    return Promise.all(this.#hosts.map(host => host.ready))
  }

  begin(): void {
    for (const host of this.#hosts) host.begin()
    if (this.ofPrograms) for (const host of this.#hosts) host.scale(this.#wanted)
  }

  /** Brings so many about, within its range. Returns at once; one that goes finishes what it has in hand first. */
  scale(count: number): void {
    this.#wanted = Math.min(this.range.max, Math.max(this.range.min, count))
    if (this.ofPrograms) for (const host of this.#hosts) host.scale(this.#wanted)
    else {
      this.#changing ??= this.#change().finally(() => {
        this.#changing = undefined
      })
    }
  }

  /** Commits what is in hand within `graceMs`, gives the partitions back and ends. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    await Promise.all([...this.#hosts, ...this.#leaving].map(host => host.stop(graceMs)))
    await this.#changing
  }

  /** Measures how busy each thread was since the last look. */
  look(): void {
    for (const host of this.#hosts) host.look()
  }

  facts(): ProcessFacts {
    return {
      replicas: this.#hosts.map(host => host.facts()),
      wanted: this.#wanted,
      most: this.range.max,
      ofPrograms: this.ofPrograms,
      suspects: this.#suspects.list().map(({ reason, ...place }) => ({ ...place, reason: reason.message })),
    }
  }

  #add(): Host {
    const host = new Host(this.#file, this.declared, this.#context, { number: this.#number++, suspects: this.#suspects })
    this.#hosts.push(host)
    return host
  }

  async #change(): Promise<void> {
    while (!this.#stopping && this.#hosts.length !== this.#wanted) {
      if (this.#hosts.length < this.#wanted) await this.#grow()
      else await this.#shrink()
    }
  }

  /** One that does not load is given up: those that run go on, and load that stays high asks for it again. */
  async #grow(): Promise<void> {
    const host = this.#add()
    try {
      await host.ready
      if (!this.#stopping) host.begin()
    } catch (error) {
      this.#hosts = this.#hosts.filter(other => other !== host)
      await host.stop(0)
      if (this.#stopping) return
      this.#wanted = this.#hosts.length
      this.#context.log.warn(
        `${this.agent} stays at ${this.#wanted} replicas: ${error instanceof Error ? error.message : String(error)}`,
        this.agent,
        error,
      )
    }
  }

  async #shrink(): Promise<void> {
    const host = this.#hosts.pop()
    if (host === undefined) return
    this.#leaving.add(host)
    await host.stop(LEAVE_MS + (this.declared.kind === 'agent' ? this.declared.timeoutMs : 0))
    this.#leaving.delete(host)
  }
}

function rangeOf(agent: AnyAgent): Replicas {
  if (agent.kind !== 'agent') return STORES_ALONE
  const partitions = Math.max(...agent.from.map(topic => topic.spec.partitions))
  const programs = agent.remote?.replicas
  // A program works on whatever is in hand, and of each partition that is as much as its concurrency.
  const { min, max } = programs ?? agent.replicas
  const most = programs === undefined ? partitions : partitions * agent.concurrency
  return { min: Math.min(min, most), max: Math.min(max, most) }
}
