import { shadowName, shownAgent } from '../agents/shadow.ts'
import type { Clock } from '../clock.ts'
import { agentOf, type Engine } from '../engine/engine.ts'
import { MillraceError } from '../errors.ts'
import { type AnyAgent, type Pipeline, versionsOf } from '../pipeline.ts'
import { decide } from '../versions/decide.ts'
import type { Decision } from '../versions/decision.ts'
import { Draining } from '../versions/draining.ts'
import { type Fitting, fitting } from '../versions/fitting.ts'
import type { Versions } from '../versions/fold.ts'
import type { VersionLog } from '../versions/log.ts'
import { overruled } from '../versions/overruled.ts'
import type { Wish } from '../versions/proposed.ts'
import type { Log } from './log.ts'
import type { Supervisor } from './supervisor.ts'
import { topicSpecs } from './topics.ts'
import { unreplaced } from './unreplaced.ts'

/** How soon a decision made elsewhere is followed: to ask costs one look at where its topic ends. */
const LOOK_MS = 1_000
/** An exchange that failed is tried again after this: each loads the agents' code anew. */
const AGAIN_MS = 10_000

export interface GraphOptions {
  readonly file: string
  readonly engine: Pick<Engine, 'ensure' | 'append' | 'standings'>
  readonly decisions: VersionLog
  readonly supervisor: Pick<Supervisor, 'exchange'>
  readonly clock: Clock
  /** How long the agents that end may take to commit what they have in hand. */
  readonly drainMs: number
  /** Makes topics where more than the engine has them. */
  readonly ensure: (topics: ReturnType<typeof topicSpecs>) => Promise<void>
  /** Gives the other parts the graph that runs from now on. */
  readonly use: (pipeline: Pipeline) => void | Promise<void>
  readonly log: Log
}

/**
 * The graph that runs: what the file declares, with what was decided since. Either may change, and only the agents that it concerns are
 * exchanged. That no datum is missed or done twice meanwhile, in whatever order processes follow, is the engine's doing: a place is taken over
 * in one step with the end of the version that had it.
 */
export class Graph {
  readonly #options: GraphOptions
  #declared: Pipeline
  #running: Pipeline
  /** What was decided and runs, or is about to. */
  #versions: Versions
  /** Of what was read, what that was made of: more where the declaration excludes some of it. */
  #followed: Versions
  /** The latest that was read. */
  #known: Versions
  readonly #draining = new Draining()
  #turn: Promise<unknown> = Promise.resolve()
  #cancelLook: () => void = () => undefined
  #closed = false
  #againMs = 0
  #failing = false

  /** @param versions as they were read before anything ran. */
  constructor(declared: Pipeline, versions: Versions, options: GraphOptions) {
    const first = fitting(declared, versions)
    this.#declared = declared
    this.#versions = first.versions
    this.#followed = versions
    this.#known = versions
    this.#running = first.running
    this.#options = options
    this.#tell(first, [])
  }

  get running(): Pipeline {
    return this.#running
  }

  /** What an agent's thread is to apply to the file that it loads. */
  get versions(): Versions {
    return this.#versions
  }

  /**
   * Decides about a version, for every process. Its own agents follow at once, and it is not waited for that they do.
   * @throws AGENT_UNKNOWN, VERSION_REFUSED; what the stream throws
   */
  async decide(wish: Wish, by: string): Promise<Decision> {
    const { engine, decisions, clock } = this.#options
    if (wish.kind === 'promote') checkDeclares(this.#declared, wish.agent)
    if (wish.kind === 'ramp') checkRamps(this.#running, wish.agent)
    if (wish.kind === 'pause') checkPauses(this.#running, wish.agent)
    const fits = (before: Versions, after: Versions) => {
      if (wish.kind === 'decommission' && !wish.now) checkDrains(this.#running, wish.agent)
      checkFits(this.#declared, wish, before, after)
    }
    const decision = await decide(engine, decisions, wish, { by, atMs: clock.now() }, fits)
    void this.look()
    return decision
  }

  /** Follows what is decided, here or elsewhere, from now on. */
  follow(): void {
    if (this.#closed) return
    this.#cancelLook = this.#options.clock.after(LOOK_MS, () => {
      void this.look().then(() => this.follow())
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelLook()
    await this.#turn
  }

  /** Runs another declaration, every agent of it from its own code. @throws what keeps it from running: the one before runs on. */
  declare(declared: Pipeline, drainMs: number): Promise<void> {
    return this.#inTurn(async () => {
      await this.#exchange(declared, this.#known, drainMs, () => false)
    })
  }

  /** Looks for decisions and follows them. What keeps it from that is said once, and it is tried again. */
  look(): Promise<void> {
    return this.#inTurn(async () => {
      try {
        await this.#drain()
        await this.#followOn()
        if (this.#known === this.#followed) this.#failing = false
      } catch (error) {
        if (!this.#failing)
          this.#options.log.error(`What was decided about versions is not followed yet: ${reason(error)}`, undefined, error)
        this.#failing = true
      }
    })
  }

  async #followOn(): Promise<void> {
    const { clock, drainMs, log } = this.#options
    this.#known = await this.#options.decisions.read()
    if (this.#known === this.#followed || this.#closed || clock.now() < this.#againMs) return
    this.#againMs = clock.now() + AGAIN_MS
    const before = this.#running
    const paused = this.#versions.paused
    await this.#exchange(this.#declared, this.#known, drainMs, (id, next) => isSame(id, before, next))
    this.#againMs = 0
    const happened = new Map([
      ...without(before, this.#running).map(id => [id, 'has ended'] as const),
      ...without(this.#running, before).map(id => [id, 'is at work'] as const),
      ...[...this.#versions.paused].flatMap(([id, { by }]) => (paused.has(id) ? [] : [[id, `is paused, by ${by}`] as const])),
      ...[...paused.keys()].flatMap(id => (this.#versions.paused.has(id) ? [] : [[id, 'is no longer paused'] as const])),
    ])
    for (const [id, what] of happened) log.info(`As was decided, ${shown(id)} ${what}.`, id)
  }

  /** Threads that are started meanwhile apply the decisions that this is about; where it comes to nothing, those from before again. */
  async #exchange(declared: Pipeline, versions: Versions, drainMs: number, stays: (id: string, next: Pipeline) => boolean): Promise<void> {
    const { file, engine, ensure, supervisor, use, log } = this.#options
    const before = this.#versions
    const fit = fitting(declared, versions)
    const next = fit.running
    this.#versions = fit.versions
    const between = () => {
      this.#tell(fit, overruled(this.#running))
      this.#declared = declared
      this.#running = next
      this.#followed = versions
      return use(next)
    }
    try {
      for (const text of unreplaced(next, await engine.standings())) log.warn(text)
      await ensure(topicSpecs(next))
      await supervisor.exchange(
        file,
        next,
        drainMs,
        between,
        id => stays(id, next),
        id => !fit.versions.paused.has(id),
      )
    } catch (error) {
      this.#versions = before
      throw error
    }
  }

  /** Said at once and loudly: what is not followed may leave work to nobody. @param told what was said before of shares. */
  #tell({ unfit, running }: Fitting, told: readonly string[]): void {
    for (const text of overruled(running)) if (!told.includes(text)) this.#options.log.info(text)
    for (const { group, cause } of unfit)
      this.#options.log.error(
        `What was decided about ${shown(group)} is not followed, for the pipeline file excludes it: ${reason(cause)}`,
        group,
      )
  }

  /** Notes of agents that drain that they have. One that is not declared here may be elsewhere, and be at work. */
  async #drain(): Promise<void> {
    const { engine, decisions, clock } = this.#options
    const draining = [...this.#known.ended].filter(([, { state }]) => state === 'draining')
    if (draining.length === 0) return
    const standings = await engine.standings()
    for (const [group, { until = {}, of }] of draining) {
      if (!this.#draining.look(group, of, until, standings)) continue
      const decision: Decision = { kind: 'drained', group, of, atMs: clock.now() }
      await decisions.append(engine, decision)
    }
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(step)
    this.#turn = result.catch(() => undefined)
    return result
  }
}

/** Whether an agent is the same in both: the declaration is, so only what a decision can change is looked at. */
function isSame(id: string, before: Pipeline, next: Pipeline): boolean {
  const [one, other] = [before.agents.get(id), next.agents.get(id)]
  if (one === undefined || other === undefined || one.replaces !== other.replaces) return false
  if (one.kind !== 'agent' || other.kind !== 'agent') return true
  // What gathers for shadows alone writes elsewhere than where a live version has it, too.
  return one.ramps?.share === other.ramps?.share && one.to.every(({ name }, i) => name === other.to[i]?.name)
}

/** @throws VERSION_REFUSED: with nobody to take its place, the version that runs would end for nothing. */
function checkDeclares(declared: Pipeline, agent: string): void {
  const { name, version } = agentOf(agent)
  // What is no version at all is said better where all wishes are judged.
  if (version === 0 || declared.declared.agents.some(each => each.name === name && each.version === version)) return
  throw new MillraceError('VERSION_REFUSED', `The pipeline that runs declares no ${agent}.`, {
    fix: 'Declare it with shadow: true, let it run, and promote it then.',
  })
}

/** @throws VERSION_REFUSED: what is accepted and not handled would wait for nobody. */
function checkDrains(running: Pipeline, agent: string): void {
  const { name, version } = agentOf(agent)
  const versions = versionsOf(running)
  if (version === 0 || versions.has(`${name}@${version}`) || versions.has(shadowName(`${name}@${version}`))) return
  throw new MillraceError('VERSION_REFUSED', `The pipeline that runs has no ${agent}: nobody here would handle what it has before it.`, {
    fix: `To end it where it stands: millrace decommission ${agent} --now.`,
  })
}

/** @throws VERSION_REFUSED: every process would find that it cannot follow it, for ever. */
function checkFits(declared: Pipeline, wish: Wish, before: Versions, after: Versions): void {
  const known = fitting(declared, before).unfit.map(({ group }) => group)
  const unfit = fitting(declared, after).unfit.find(({ group }) => !known.includes(group))
  if (unfit === undefined) return
  throw new MillraceError(
    'VERSION_REFUSED',
    `With that decided of ${wish.agent} the pipeline file would make no valid graph. ${reason(unfit.cause)}`,
  )
}

/** @throws VERSION_REFUSED: the share of a version that gets none would change nothing. */
function checkRamps(running: Pipeline, agent: string): void {
  const { name, version } = agentOf(agent)
  const isNext = (each: AnyAgent) => each.kind === 'agent' && each.name === name && each.ramps?.agent.version === version
  if (version === 0 || [...running.agents.values()].some(isNext)) return
  throw new MillraceError('VERSION_REFUSED', `In the pipeline that runs ${agent} gets no share of another version's keys.`, {
    fix: 'Declare it with replaces and ramp: 0.1, beside the version that it replaces.',
  })
}

/** @throws VERSION_REFUSED: it has no place that could wait for it. */
function checkPauses({ agents }: Pipeline, agent: string): void {
  const { name, version } = agentOf(agent)
  const at = [...agents].find(([, each]) => each.kind === 'agent' && each.name === name && each.ramps?.agent.version === version)?.[0]
  if (at === undefined) return
  throw new MillraceError('VERSION_REFUSED', `${agent} gets a share of the keys of ${at}, at whose place it works.`, {
    fix: `To give it none: millrace ramp ${agent} 0. To pause both: millrace pause ${at}.`,
  })
}

function without(some: Pipeline, others: Pipeline): string[] {
  return [...some.agents.keys()].filter(id => !others.agents.has(id))
}

function shown(id: string): string {
  return shownAgent(agentOf(id))
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
