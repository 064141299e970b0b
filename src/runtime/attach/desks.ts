import type { WorkDesk } from '../../agents/remote.ts'
import { MillraceError } from '../../errors.ts'
import type { Pipeline } from '../../pipeline.ts'
import { type Runs, runsAgent } from '../roles.ts'

/** The attached agents that run in a process, as name@version. */
export function attachedAgents(pipeline: Pipeline, runs: Runs): string[] {
  return [...pipeline.agents].flatMap(([id, agent]) =>
    agent.kind === 'agent' && agent.remote?.isAttached === true && runsAgent(runs, agent) ? [id] : [],
  )
}

/** The desks of the attached agents that run in this process. An agent whose thread is being started has none for the time. */
export class Desks {
  /** Those that run here, by name@version. */
  #agents: ReadonlySet<string> = new Set()
  readonly #open = new Map<string, WorkDesk>()

  /** From now on these are the agents that run here. */
  use(agents: readonly string[]): void {
    this.#agents = new Set(agents)
  }

  open(agent: string, desk: WorkDesk): void {
    this.#open.set(agent, desk)
  }

  /** The desk is gone; one that has its place already stays. */
  close(agent: string, desk: WorkDesk): void {
    if (this.#open.get(agent) === desk) this.#open.delete(agent)
  }

  /** @throws AGENT_UNKNOWN, AGENT_AWAY */
  of(agent: string): WorkDesk {
    const desk = this.#open.get(agent)
    if (desk !== undefined) return desk
    if (this.#agents.has(agent)) throw new MillraceError('AGENT_AWAY', `${agent} is being started.`, { fix: 'Ask again in a moment.' })
    throw new MillraceError('AGENT_UNKNOWN', `No attached agent ${JSON.stringify(agent)} runs here.`, {
      fix: 'Name it with its version, as in mood@1, and ask a process that runs it; `millrace agents` lists them.',
    })
  }
}
