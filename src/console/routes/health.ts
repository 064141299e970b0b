import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { HealthReport } from '../../instrumentation/health.ts'
import { healthNow } from '../health.ts'
import type { OpsContext } from '../server.ts'

/** Pages poll; the engine is asked once. */
const MAX_AGE_MS = 1_000

/** For probes and scrapers, and what people look at. */
export function healthRoutes(server: FastifyInstance, context: OpsContext): void {
  server.get('/health/live', (request, reply) => answer(request, reply, context.health.live()))
  server.get('/health/ready', (request, reply) => answer(request, reply, context.health.ready()))
  server.get('/v1/health', () => healthNow(context.instruments, context.health.ready(), context.runsOn, MAX_AGE_MS))
  server.get('/metrics', async (_request, reply) => {
    const { text, errors } = await context.instruments.metrics()
    for (const error of errors) context.log?.warn(`Some metrics could not be read: ${String(error)}`)
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text)
  })
}

/** A probe has no log-in, and hears yes or no; why names agents and stores, which is for those who have one. */
function answer({ asking }: FastifyRequest, reply: FastifyReply, report: HealthReport): FastifyReply {
  return reply.code(report.ok ? 200 : 503).send(asking === undefined ? { ok: report.ok } : report)
}
