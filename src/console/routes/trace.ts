import type { FastifyInstance } from 'fastify'
import { MillraceError } from '../../errors.ts'
import { whereIs } from '../../trace/explain.ts'
import { lineageToJson, storyToJson } from '../../trace/json.ts'
import { type LineageOptions, lineage } from '../../trace/lineage.ts'
import type { Life } from '../api/data.ts'
import { type LifeOptions, lifeOf } from '../data/life.ts'
import { storedAt } from '../data/stored-at.ts'
import { countIn, dataIdOf, type Query } from '../query.ts'
import type { OpsContext } from '../server.ts'
import { seenAt } from '../shown.ts'

const MAX_DEPTH = 100
const MAX_LIMIT = 10_000
/** Questions that read the log, at once. They share the main thread with the front end: the next one is told to wait. */
const MAX_QUESTIONS = 4

interface Asked {
  Params: { id: string }
  Querystring: Query
}

/** Where is my datum, where did it come from, what became of it. */
export function traceRoutes(server: FastifyInstance, context: OpsContext): void {
  let questions = 0

  async function ask<Answer>(question: () => Promise<Answer | undefined>, id: string): Promise<Answer> {
    if (questions >= MAX_QUESTIONS)
      throw new MillraceError('OVERLOADED', `${questions} questions to the trace are being answered.`, { fix: 'Ask again.' })
    questions++
    try {
      const answer = await question()
      if (answer !== undefined) return answer
      throw new MillraceError('DATUM_UNKNOWN', `No datum ${id} is known.`, {
        fix: 'It was never accepted, or the trace has forgotten it (after 24 h by default).',
      })
    } finally {
      questions--
    }
  }

  server.get<Asked>('/v1/trace/:id', async request => {
    const id = dataIdOf(request.params.id, request.query)
    return storyToJson(await ask(() => whereIs(context.engine, id, context.clock.now()), id))
  })
  server.get<Asked>('/v1/data/:id', async (request): Promise<Life> => {
    const id = dataIdOf(request.params.id, request.query)
    const { engine } = context
    const options: LifeOptions = {
      ...followingOf(context),
      nowMs: context.clock.now(),
      see: (cursor, topic) => seenAt(cursor, topic, context),
      storedAt: (agent, story, standings) => storedAt(engine, context.pipeline(), agent, story, standings),
    }
    return ask(() => lifeOf(engine, id, options), id)
  })
  server.get<Asked>('/v1/lineage/:id', async request => {
    const id = dataIdOf(request.params.id, request.query)
    const depth = countIn(request.query, 'depth', 0, MAX_DEPTH)
    const limit = countIn(request.query, 'limit', 1, MAX_LIMIT)
    const options = { ...followingOf(context), ...(depth === undefined ? {} : { depth }), ...(limit === undefined ? {} : { limit }) }
    return lineageToJson(await ask(() => lineage(context.engine, id, options), id))
  })
}

function followingOf(context: OpsContext): Pick<LineageOptions, 'windows' | 'gathering'> {
  return { windows: windowsOf(context), gathering: gatheringOf(context) }
}

/** How many data each agent's window holds: only those that have one need following. */
function windowsOf(context: OpsContext): Map<string, number> {
  const agents = context.pipeline()?.agents ?? new Map()
  return new Map([...agents].map(([id, agent]) => [id, agent.kind === 'agent' ? (agent.window ?? 1) : 1]))
}

/** Where those put windows and pairs that gather them for an agent. */
function gatheringOf(context: OpsContext): Map<string, string[]> {
  const agents = [...(context.pipeline()?.agents ?? [])]
  return new Map(
    agents.flatMap(([id, agent]) =>
      agent.kind === 'agent' && agent.partOf !== undefined && agent.state !== undefined
        ? [[id, agent.to.flatMap(to => (to.kind === 'topic' ? [to.name] : []))]]
        : [],
    ),
  )
}
