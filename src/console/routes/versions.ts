import type { FastifyInstance } from 'fastify'
import { liveName } from '../../agents/shadow.ts'
import { agentOf } from '../../engine/engine.ts'
import type { Decision } from '../../versions/decision.ts'
import type { Wish } from '../../versions/proposed.ts'
import { ANYONE } from '../log-in/identity.ts'
import { invalid } from '../query.ts'
import type { OpsContext } from '../server.ts'

const MAX_BY_LENGTH = 200
const MAX_AGENT_LENGTH = 300

interface Asked {
  readonly agent: string
  readonly by: string
  readonly replaces: number | undefined
  readonly share: number | undefined
  readonly now: boolean
  readonly undo: boolean
}

/** Decisions about versions and agents, for every process of the pipeline. */
export function versionRoutes(server: FastifyInstance, { decide }: OpsContext): void {
  if (decide === undefined) return
  server.post('/v1/versions/promote', async request => {
    const { agent, by, replaces } = asked(request.body)
    return decisionToJson(await decide({ kind: 'promote', agent, ...(replaces === undefined ? {} : { replaces }) }, by))
  })
  server.post('/v1/versions/ramp', async request => {
    const { agent, by, share } = asked(request.body)
    if (share === undefined) throw invalid('The body names no share.', 'Send {"agent": "forecast@2", "share": 0.5}.')
    return decisionToJson(await decide({ kind: 'ramp', agent, share }, by))
  })
  server.post('/v1/agents/pause', async request => {
    const { agent, by } = asked(request.body)
    return decisionToJson(await decide({ kind: 'pause', agent }, by))
  })
  server.post('/v1/agents/resume', async request => {
    const { agent, by } = asked(request.body)
    return decisionToJson(await decide({ kind: 'resume', agent }, by))
  })
  server.post('/v1/versions/decommission', async request => {
    const { agent, by, now, undo } = asked(request.body)
    const wish: Wish = undo ? { kind: 'recommission', agent } : { kind: 'decommission', agent, now }
    return decisionToJson(await decide(wish, by))
  })
}

/** A decision as it goes over a wire. */
export interface DecisionAnswer {
  readonly decided: Decision['kind']
  /** Of a promotion, a ramp, a pause and its end. */
  readonly agent?: string
  readonly version?: number
  readonly replaces?: number
  readonly share?: number
  /** Of a decommission: the agent's group, and whether it is to finish first. */
  readonly group?: string
  readonly drains?: boolean
  readonly by?: string
  readonly at: string
}

export function decisionToJson(decision: Decision): DecisionAnswer {
  const at = new Date(decision.atMs).toISOString()
  switch (decision.kind) {
    case 'promote': {
      const { kind, agent, version, replaces, by } = decision
      return { decided: kind, agent, version, replaces, by, at }
    }
    case 'ramp': {
      const { kind, agent, version, share, by } = decision
      return { decided: kind, agent, version, share, by, at }
    }
    case 'decommission':
      return { decided: decision.kind, group: decision.group, drains: decision.until !== undefined, by: decision.by, at }
    case 'recommission':
      return { decided: decision.kind, group: decision.group, by: decision.by, at }
    case 'pause':
    case 'resume': {
      const { name, version } = agentOf(decision.group)
      return { decided: decision.kind, agent: liveName(name), version, by: decision.by, at }
    }
    case 'drained':
      return { decided: decision.kind, group: decision.group, at }
  }
}

/** @throws QUERY_INVALID unless the body is `{agent: 'forecast@2', by?, replaces?, share?, now?, undo?}`. */
function asked(body: unknown): Asked {
  const given: { [name in keyof Asked]?: unknown } = typeof body === 'object' && body !== null ? body : {}
  const { agent, by = ANYONE.user, replaces, share, now = false, undo = false } = given
  if (typeof agent !== 'string' || agent === '' || agent.length > MAX_AGENT_LENGTH)
    throw invalid('The body names no agent.', 'Send {"agent": "forecast@2"}.')
  if (typeof by !== 'string' || by === '' || by.length > MAX_BY_LENGTH)
    throw invalid(`'by' is ${JSON.stringify(by)}.`, `Say who does it in 1 to ${MAX_BY_LENGTH} characters, or leave it out.`)
  if (replaces !== undefined && !(typeof replaces === 'number' && Number.isSafeInteger(replaces) && replaces >= 1))
    throw invalid(`'replaces' is ${JSON.stringify(replaces)}.`, 'It must be a whole number from 1, or left out.')
  if (share !== undefined && !(typeof share === 'number' && share >= 0 && share <= 1))
    throw invalid(`'share' is ${JSON.stringify(share)}.`, 'It must be a number from 0 to 1.')
  if (typeof now !== 'boolean' || typeof undo !== 'boolean')
    throw invalid("'now' and 'undo' are true or false.", 'Leave them out for false.')
  return { agent, by, replaces, share, now, undo }
}
