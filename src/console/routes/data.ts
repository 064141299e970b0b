import type { FastifyInstance } from 'fastify'
import type { FrameCursor } from '../../envelope/frame.ts'
import type { SearchAnswer } from '../api/data.ts'
import { datumAt } from '../data/at.ts'
import { type SearchAsked, search } from '../data/search.ts'
import { countIn, dataIdOf, invalid, parameter, type Query, textIn, textsIn } from '../query.ts'
import type { OpsContext } from '../server.ts'
import { seenAt } from '../shown.ts'
import { parseFilter } from '../tap/filter.ts'
import { parseTime } from '../tap/start.ts'

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 500
const MAX_CONDITIONS = 20

/** `GET /v1/data`: find data in the log. */
export function dataRoutes(server: FastifyInstance, context: OpsContext): void {
  const see = (cursor: FrameCursor, topic: string) => seenAt(cursor, topic, context)

  server.get<{ Querystring: Query }>('/v1/data', async ({ query }): Promise<SearchAnswer> => {
    const id = textIn(query, 'id')
    if (id !== undefined) return byId(id, query)
    const { data, lookedAt, more } = await search(context.engine, await askedOf(query, context), see)
    return { data: [...data], looked_at: lookedAt, more: more ?? null }
  })

  async function byId(id: string, query: Query): Promise<SearchAnswer> {
    const record = await context.engine.find(dataIdOf(id, query))
    const found = await Promise.all((record?.positions ?? []).map(at => datumAt(context.engine, at, see)))
    const data = found.filter(datum => datum !== undefined)
    return { data, looked_at: data.length, more: null }
  }
}

async function askedOf(query: Query, { clock, engine }: OpsContext): Promise<SearchAsked> {
  const topic = textIn(query, 'topic')
  const [source, key, before] = [textIn(query, 'source'), textIn(query, 'key'), textIn(query, 'before')]
  const time = (name: string) => {
    const text = textIn(query, name)
    return text === undefined ? undefined : parseTime(text, clock.now(), parameter(name))
  }
  const [fromMs, toMs] = [time('from'), time('to')]
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs) throw invalid("'from' is after 'to'.", 'Swap them.')
  const where = textsIn(query, 'where', MAX_CONDITIONS)
  return {
    topics: topic === undefined ? usersTopics(await engine.topics()) : [topic],
    limit: countIn(query, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
    ...(source === undefined ? {} : { source }),
    ...(key === undefined ? {} : { key }),
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    ...(where.length === 0 ? {} : { filter: parseFilter(where, parameter('where')) }),
    ...(before === undefined ? {} : { before }),
  }
}

function usersTopics(topics: readonly { readonly name: string }[]): string[] {
  return topics.map(({ name }) => name).filter(name => !name.startsWith('_'))
}
