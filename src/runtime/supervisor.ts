import type { ProcessFacts } from '../instrumentation/replica.ts'
import type { AnyAgent, Pipeline } from '../pipeline.ts'
import { AgentReplicas } from './agent-replicas.ts'
import type { HostContext } from './host.ts'

/**
 * Runs the agents of a pipeline, each in threads of its own, and exchanges them all for those of another graph. Nothing that
 * happens to an agent reaches the thread it is called from, where the front end runs.
 */
export class Supervisor {
  readonly #context: HostContext
  readonly #runs: (agent: AnyAgent) => boolean
  #agents: readonly AgentReplicas[] = []

  /** @param runs which of a pipeline's agents run here. Default: every one. */
  constructor(context: HostContext, runs: (agent: AnyAgent) => boolean = () => true) {
    this.#context = context
    this.#runs = runs
  }

  /** Those that run now; others after an exchange. */
  get agents(): readonly AgentReplicas[] {
    return this.#agents
  }

  /** How an agent is in this process; undefined where it does not run here. */
  facts(agent: string): ProcessFacts | undefined {
    return this.#agents.find(own => own.agent === agent)?.facts()
  }

  /**
   * Puts the agents of `pipeline` in the place of those that run, as many replicas of each. Their code is loaded while the old ones still
   * work, so that nothing runs for as long as a drain takes and no longer.
   * @param between runs when the old ones have ended and before the new ones begin: the time to give other parts the new graph.
   * @param stays which of those that run, by their `name@version`, are to run on untouched where the new graph has them, too.
   * @param works which of the new graph are to run at all, by the same names: one that is paused keeps its place in the stream alone.
   * @throws what keeps an agent from loading; the old ones run on then, untouched.
   */
  async exchange(
    file: string,
    pipeline: Pipeline,
    drainMs: number,
    between?: () => void | Promise<void>,
    stays: (agent: string) => boolean = () => false,
    works: (agent: string) => boolean = () => true,
  ): Promise<void> {
    const own = [...pipeline.agents].filter(([id, agent]) => this.#runs(agent) && works(id))
    const staying = this.#agents.filter(({ agent }) => stays(agent) && own.some(([id]) => id === agent))
    const before = new Map(this.#agents.map(({ agent, wanted }) => [agent, wanted]))
    const coming = own
      .filter(([id]) => !staying.some(({ agent }) => agent === id))
      .map(([id, agent]) => new AgentReplicas(file, agent, this.#context, before.get(id)))
    try {
      await Promise.all(coming.map(agent => agent.ready))
    } catch (error) {
      await Promise.all(coming.map(agent => agent.stop(0)))
      throw error
    }
    const going = this.#agents.filter(agent => !staying.includes(agent))
    this.#agents = staying
    await Promise.all(going.map(agent => agent.stop(drainMs)))
    await between?.()
    this.#agents = [...staying, ...coming]
    for (const agent of coming) agent.begin()
  }

  /** Lets every agent commit what it has in hand within `drainMs`; what is not committed by then is done again by whoever comes next. */
  async stop(drainMs: number): Promise<void> {
    const going = this.#agents
    this.#agents = []
    await Promise.all(going.map(agent => agent.stop(drainMs)))
  }
}
