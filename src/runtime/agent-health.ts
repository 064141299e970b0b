import type { Health } from '../instrumentation/health.ts'
import type { Log } from './log.ts'
import type { AgentStatus } from './state.ts'

/** Tells health, and people, how the agents are: each is a part of its own, so that one that keeps failing makes the process not ready. */
export function reportAgents(health: Health, log: Log): (status: AgentStatus) => void {
  return status => {
    const part = `agent ${status.agent}`
    if (status.state === 'running') health.up(part)
    else if (status.state === 'stopped') health.remove(part)
    else if (status.state === 'waiting') {
      const reason = status.lastError ?? 'its thread ended'
      health.down(part, `restarting (${status.restarts} so far): ${reason}`)
      log.warn(`${status.agent} ended and is started anew: ${reason}`)
    }
  }
}
