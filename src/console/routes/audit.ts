import type { FastifyInstance } from 'fastify'
import type { AuditAnswer } from '../api/session.ts'
import { readAudit } from '../audit.ts'
import { countIn, type Query } from '../query.ts'
import type { OpsContext } from '../server.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1_000

/** What was done, by whom, when and from where. */
export function auditRoutes(server: FastifyInstance, { engine }: OpsContext): void {
  server.get<{ Querystring: Query }>('/v1/audit', async (request): Promise<AuditAnswer> => {
    return { actions: await readAudit(engine, countIn(request.query, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT) }
  })
}
