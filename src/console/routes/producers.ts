import type { FastifyInstance } from 'fastify'
import { producersToJson } from '../producers.ts'
import type { OpsContext } from '../server.ts'

/** Pages poll; the engine is asked once. */
const MAX_AGE_MS = 1_000

/** Who sends what, and what comes of it. */
export function producerRoutes(server: FastifyInstance, { instruments, pipeline, keysFile }: OpsContext): void {
  server.get('/v1/producers', async () =>
    producersToJson(instruments.producers(), await instruments.sample(MAX_AGE_MS), pipeline(), keysFile !== undefined),
  )
}
