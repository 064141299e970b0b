import type { AnyAgent, Pipeline } from '../pipeline.ts'
import { Host, type HostContext } from './host.ts'

/**
 * Runs the agents of a pipeline, each in a thread of its own, and exchanges them all for those of another graph. Nothing that
 * happens to an agent reaches the thread it is called from, where the front end runs.
 */
export class Supervisor {
  readonly #context: HostContext
  readonly #runs: (agent: AnyAgent) => boolean
  #hosts: readonly Host[] = []

  /** @param runs which of a pipeline's agents run here. Default: every one. */
  constructor(context: HostContext, runs: (agent: AnyAgent) => boolean = () => true) {
    this.#context = context
    this.#runs = runs
  }

  /**
   * Puts the agents of `pipeline` in the place of those that run. Their code is loaded while the old ones still work, so that
   * nothing runs for as long as a drain takes and no longer.
   * @param between runs when the old ones have ended and before the new ones begin: the time to give other parts the new graph.
   * @param stays which of those that run, by their `name@version`, are to run on untouched where the new graph has them, too.
   * @throws what keeps an agent from loading; the old ones run on then, untouched.
   */
  async exchange(
    file: string,
    pipeline: Pipeline,
    drainMs: number,
    between?: () => void | Promise<void>,
    stays: (agent: string) => boolean = () => false,
  ): Promise<void> {
    const own = [...pipeline.agents].filter(([, agent]) => this.#runs(agent))
    const staying = this.#hosts.filter(host => stays(host.agent) && own.some(([id]) => id === host.agent))
    const coming = own.filter(([id]) => !staying.some(host => host.agent === id)).map(([, agent]) => new Host(file, agent, this.#context))
    try {
      await Promise.all(coming.map(host => host.ready))
    } catch (error) {
      await Promise.all(coming.map(host => host.stop(0)))
      throw error
    }
    const going = this.#hosts.filter(host => !staying.includes(host))
    this.#hosts = staying
    await Promise.all(going.map(host => host.stop(drainMs)))
    await between?.()
    this.#hosts = [...staying, ...coming]
    for (const host of coming) host.begin()
  }

  /** Lets every agent commit what it has in hand within `drainMs`; what is not committed by then is done again by whoever comes next. */
  async stop(drainMs: number): Promise<void> {
    const going = this.#hosts
    this.#hosts = []
    await Promise.all(going.map(host => host.stop(drainMs)))
  }
}
