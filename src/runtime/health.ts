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

/** Tells health, and people, how the agents are: each is a part of its own, so that one that keeps failing makes the process not ready. */
export function reportAgents(health: Health, log: Log): (status: AgentStatus) => void {
  return status => {
    const part = agentPart(status.agent)
    const name = shownAgent(agentOf(status.agent))
    if (status.state === 'running' && status.held !== undefined) {
      health.down(part, `waits: ${status.held}`)
      log.warn(`${name} waits: ${status.held}`)
    } else if (status.state === 'running') health.up(part)
    else if (status.state === 'stopped') health.remove(part)
    else if (status.state === 'waiting') {
      const reason = status.lastError ?? 'its thread ended'
      health.down(part, `started anew ${status.restarts} times, the last time for: ${reason}`)
      log.warn(`${name} ended and is started anew: ${reason}`)
    }
  }
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
