import { shownAgent } from '../agents/shadow.ts'
import type { Clock } from '../clock.ts'
import { agentOf } from '../engine/engine.ts'
import type { FrontEnd } from '../frontend/front-end.ts'
import type { Health } from '../instrumentation/health.ts'
import type { Log } from './log.ts'
import type { AgentStatus } from './state.ts'

/** The front end's part in health. */
export const FRONT_END = 'front end'
const LOOK_MS = 1_000

/** An agent's part in health. */
export function agentPart(agent: string): string {
  return `agent ${shownAgent(agentOf(agent))}`
}

/**
 * Tells health, and people, how the agents are: each is a part of its own, so that one that keeps failing makes the process not ready. Of
 * several replicas one that runs is enough, for it has the others' partitions meanwhile.
 */
export function reportAgents(health: Health, log: Log): (status: AgentStatus) => void {
  /** By agent, the replicas that there are, by number. */
  const agents = new Map<string, Map<number, AgentStatus>>()

  function tell(part: string, replicas: readonly AgentStatus[]): void {
    const held = replicas.find(({ held }) => held !== undefined)?.held
    const running = replicas.filter(({ state }) => state === 'running').length
    const failed = replicas.find(({ state }) => state === 'waiting')
    if (replicas.length === 0) health.remove(part)
    else if (running > 0 && held !== undefined) health.down(part, `waits: ${held}`)
    else if (failed === undefined) {
      if (running > 0) health.up(part)
    } else if (running === 0) health.down(part, `started anew ${failed.restarts} times, the last time for: ${reasonOf(failed)}`)
    else
      health.up(
        part,
        `${running} of ${replicas.length} replicas run; one was started anew ${failed.restarts} times, the last time for: ${reasonOf(failed)}`,
      )
  }

  return status => {
    const { agent, replica, state, held } = status
    const replicas = agents.get(agent) ?? new Map<number, AgentStatus>()
    agents.set(agent, replicas)
    const isNews = held !== undefined && ![...replicas.values()].some(other => other.held === held)
    if (state === 'stopped') replicas.delete(replica)
    else replicas.set(replica, status)
    tell(agentPart(agent), [...replicas.values()])
    if (state === 'running' && isNews) log.warn(`${shownAgent(agentOf(agent))} waits: ${held}`, agent)
    if (state === 'waiting') log.warn(`${shownAgent(agentOf(agent))} ended and is started anew: ${reasonOf(status)}`, agent)
    if (replicas.size === 0) agents.delete(agent)
  }
}

function reasonOf({ lastError }: AgentStatus): string {
  return lastError ?? 'its thread ended'
}

/** Tells health, once a second, whether data are taken: a full disk comes and goes. @returns what ends it. */
export function followFrontEnd(frontEnd: Pick<FrontEnd, 'health'>, health: Health, clock: Clock): () => void {
  let cancel = () => {}
  const look = () => {
    const { ready, reason } = frontEnd.health()
    if (ready) health.up(FRONT_END, reason)
    else health.down(FRONT_END, reason ?? 'not ready')
    cancel = clock.after(LOOK_MS, look)
  }
  look()
  return () => cancel()
}
