import type { FastifyInstance } from 'fastify'
import { MillraceError } from '../../errors.ts'
import { ledgerToJson, readLedger } from '../../instrumentation/ledger.ts'
import { adviceToJson } from '../advice.ts'
import { agentNow } from '../agent.ts'
import { agentsToJson, flowToJson, topicsToJson } from '../overview.ts'
import { iso, type Seen } from '../seen.ts'
import type { OpsContext } from '../server.ts'

/** Pages poll several times a second; the engine is asked once. */
const MAX_AGE_MS = 200

/** Topics, agents, flow, ledger: how the whole stands. */
export function overviewRoutes(server: FastifyInstance, context: OpsContext): void {
  const seen = async (): Promise<Omit<Seen, 'letters'>> => ({
    sample: await context.instruments.sample(MAX_AGE_MS),
    flow: context.instruments.flow(),
    health: context.health.ready(),
    pipeline: context.pipeline(),
    ...(context.runsHere === undefined ? {} : { runsHere: context.runsHere }),
  })
  server.get('/v1/topics', async () => topicsToJson(await seen()))
  server.get('/v1/agents', async () => {
    const now = { ...(await seen()), letters: await context.engine.letters.counts() }
    return agentsToJson(now, await context.instruments.diagnoses())
  })
  server.get<{ Params: { agent: string } }>('/v1/agents/:agent', async request => {
    const { agent } = request.params
    const now = { ...(await seen()), diagnoses: await context.instruments.diagnoses() }
    const log = (group: string) => (context.agentLog?.(group) ?? []).map(({ atMs, level, text }) => ({ at: iso(atMs), level, text }))
    const answer = await agentNow(agent, now, { letters: context.engine.letters, log, decides: context.decide !== undefined })
    if (answer !== undefined) return answer
    throw new MillraceError('AGENT_UNKNOWN', `There is no agent ${JSON.stringify(agent)}.`, {
      fix: '`millrace agents` (GET /v1/agents) lists those that there are.',
    })
  })
  server.get('/v1/flow', async () => flowToJson(await seen()))
  server.get('/v1/advice', async () => adviceToJson(context.instruments.advice(), context.clock.now()))
  server.get('/v1/ledger', async () => ledgerToJson(await readLedger(context.engine, context.clock.now())))
}
