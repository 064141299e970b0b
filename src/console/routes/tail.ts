import type { FastifyInstance } from 'fastify'
import { countIn, parameter, type Query, textIn, textsIn } from '../query.ts'
import type { OpsContext } from '../server.ts'
import { parseFilter } from '../tap/filter.ts'
import { parseStart, startOffsets } from '../tap/start.ts'
import { Tails } from '../tap/tails.ts'

const DEFAULT_RATE = 50
const MAX_RATE = 500
const MAX_CONDITIONS = 20

/** `GET /v1/topics/:topic/tail`: a topic as it goes by. */
export function tailRoutes(server: FastifyInstance, context: OpsContext): void {
  const tails = new Tails(context)
  server.addHook('preClose', async () => tails.close())
  // A HEAD would wait for ever for what has no end.
  server.get<{ Params: { topic: string }; Querystring: Query }>(
    '/v1/topics/:topic/tail',
    { exposeHeadRoute: false },
    async (request, reply) => {
      const { topic } = request.params
      tails.checkRoom()
      const start = parseStart(textIn(request.query, 'from') ?? 'latest', context.clock.now(), parameter('from'))
      const where = textsIn(request.query, 'where', MAX_CONDITIONS)
      const perSecond = countIn(request.query, 'rate', 1, MAX_RATE) ?? DEFAULT_RATE
      const filter = where.length === 0 ? undefined : parseFilter(where, parameter('where'))
      const ends = (await context.engine.bounds(topic)).map(({ next }) => next)
      // Latest is where it ends, not where it ends a moment later: nothing that came in between is to be missed.
      const from = start === 'latest' ? ends : await startOffsets(context.engine, topic, start)
      tails.start({ topic, from, ends, filter, perSecond }, reply)
    },
  )
}
