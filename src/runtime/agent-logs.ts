import { shownAgent } from '../agents/shadow.ts'
import type { Clock } from '../clock.ts'
import { agentOf } from '../engine/engine.ts'
import type { Log } from './log.ts'

/** A line that an agent's program has written, or that was said of the agent. */
export interface AgentLine {
  readonly atMs: number
  readonly level: 'info' | 'warn' | 'error'
  readonly text: string
}

const MOST_LINES = 200
const MOST_CHARACTERS = 2_000

/** The last lines about each agent of this process: {@link MOST_LINES} of each, so that a program that talks without end fills no memory. */
export class AgentLogs {
  readonly #clock: Clock
  readonly #lines = new Map<string, AgentLine[]>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Hands on everything, and remembers what is about an agent. */
  listening(log: Log): Log {
    const saying = (level: AgentLine['level']) => (text: string, agent?: string, cause?: unknown) => {
      if (agent !== undefined) this.#add(agent, { atMs: this.#clock.now(), level, text: shortened(text, agent) })
      log[level](text, agent, cause)
    }
    return { info: saying('info'), warn: saying('warn'), error: saying('error') }
  }

  /** The newest last. */
  of(agent: string): readonly AgentLine[] {
    return this.#lines.get(agent) ?? []
  }

  /** Forgets agents that are not in the pipeline any more. */
  keep(agents: ReadonlySet<string>): void {
    for (const agent of this.#lines.keys()) if (!agents.has(agent)) this.#lines.delete(agent)
  }

  #add(agent: string, line: AgentLine): void {
    const lines = this.#lines.get(agent) ?? []
    this.#lines.set(agent, lines)
    lines.push(line)
    if (lines.length > MOST_LINES) lines.shift()
  }
}

/** Without the agent's name before it, which whoever asks for the agent knows. */
function shortened(text: string, agent: string): string {
  const name = `${shownAgent(agentOf(agent))}: `
  const own = text.startsWith(name) ? text.slice(name.length) : text
  return own.length > MOST_CHARACTERS ? `${own.slice(0, MOST_CHARACTERS)}…` : own
}
