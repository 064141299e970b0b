import type { FastifyInstance, FastifyReply } from 'fastify'
import type { HealthReport } from '../../instrumentation/health.ts'
import { healthNow } from '../health.ts'
import type { OpsContext } from '../server.ts'

/** Pages poll; the engine is asked once. */
const MAX_AGE_MS = 1_000

/** For probes and scrapers, and what people look at. */
export function healthRoutes(server: FastifyInstance, context: OpsContext): void {
  server.get('/health/live', (_request, reply) => answer(reply, context.health.live()))
  server.get('/health/ready', (_request, reply) => answer(reply, context.health.ready()))
  server.get('/v1/health', () => healthNow(context.instruments, context.health.ready(), context.runsOn, MAX_AGE_MS))
  server.get('/metrics', async (_request, reply) => {
    const { text, errors } = await context.instruments.metrics()
    for (const error of errors) context.log?.warn(`Some metrics could not be read: ${String(error)}`)
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text)
  })
}

function answer(reply: FastifyReply, report: HealthReport): FastifyReply {
  return reply.code(report.ok ? 200 : 503).send(report)
}
