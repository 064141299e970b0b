import type { FastifyInstance } from 'fastify'
import { ledgerToJson, readLedger } from '../../instrumentation/ledger.ts'
import { adviceToJson } from '../advice.ts'
import { agentsToJson, flowToJson, topicsToJson } from '../overview.ts'
import type { Seen } from '../seen.ts'
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
  server.get('/v1/flow', async () => flowToJson(await seen()))
  server.get('/v1/advice', async () => adviceToJson(context.instruments.advice(), context.clock.now()))
  server.get('/v1/ledger', async () => ledgerToJson(await readLedger(context.engine, context.clock.now())))
}
