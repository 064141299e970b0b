import type { FastifyInstance, FastifyReply } from 'fastify'
import type { HealthReport } from '../../instrumentation/health.ts'
import type { OpsContext } from '../server.ts'

/** For probes and scrapers. */
export function healthRoutes(server: FastifyInstance, context: OpsContext): void {
  server.get('/health/live', (_request, reply) => answer(reply, context.health.live()))
  server.get('/health/ready', (_request, reply) => answer(reply, context.health.ready()))
  server.get('/metrics', async (_request, reply) => {
    const { text, errors } = await context.instruments.metrics()
    for (const error of errors) context.log?.warn(`Some metrics could not be read: ${String(error)}`)
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text)
  })
}

function answer(reply: FastifyReply, report: HealthReport): FastifyReply {
  return reply.code(report.ok ? 200 : 503).send(report)
}
