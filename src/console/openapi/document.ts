import Fastify from 'fastify'
import Type, { type TSchema } from 'typebox'
import { CHANGING } from './changing.ts'
import { LOOKING } from './looking.ts'
import { type DocumentedRoute, type DocumentedRoutes, Problem } from './route.ts'

export const DOCUMENTED: DocumentedRoutes = { ...LOOKING, ...CHANGING }

/**
 * The OpenAPI document of those of the routes that a server has. What makes it is loaded here and not when the server starts: it takes as long as
 * all the rest of it.
 */
export async function openApiDocument(routes: ReadonlySet<string>, version: string): Promise<object> {
  const { default: swagger } = await import('@fastify/swagger')
  const server = Fastify({ logger: false })
  // Nothing is ever asked of it.
  server.setValidatorCompiler(() => () => true)
  server.setSerializerCompiler(() => JSON.stringify)
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Millrace, the operators’ API', version, description: 'docs/api.md says more of events, tails and searches.' },
    },
  })
  server.after(() => {
    for (const [name, route] of Object.entries(DOCUMENTED)) {
      const [method = '', url = ''] = name.split(' ')
      if (routes.has(name)) server.route({ method, url, schema: schemaOf(url, route), handler: async () => undefined })
    }
  })
  await server.ready()
  const document = server.swagger()
  await server.close()
  return document
}

function schemaOf(url: string, { summary, query, body, answer }: DocumentedRoute) {
  const params = [...url.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  return {
    summary,
    ...(params.length === 0 ? {} : { params: Type.Object(Object.fromEntries(params.map(name => [name, Type.String()]))) }),
    ...(query === undefined ? {} : { querystring: Type.Object(queryOf(query)) }),
    ...(body === undefined ? {} : { body }),
    response: {
      200:
        typeof answer === 'string'
          ? { description: 'Text', content: { [answer]: { schema: Type.String() } } }
          : { description: 'JSON', content: { 'application/json': { schema: answer } } },
      default: { description: 'What went wrong, and what to do', content: { 'application/problem+json': { schema: Problem } } },
    },
  }
}

/** A condition may be repeated; everything else is given once. */
function queryOf(query: Readonly<Record<string, string>>): Record<string, TSchema> {
  return Object.fromEntries(
    Object.entries(query).map(([name, description]) => [
      name,
      Type.Optional(name === 'where' ? Type.Array(Type.String(), { description }) : Type.String({ description })),
    ]),
  )
}

/** A line a route, for `GET /`. */
export function routeIndex(routes: ReadonlySet<string>): string {
  const lines = Object.entries(DOCUMENTED).filter(([name]) => routes.has(name))
  const width = Math.max(...lines.map(([name]) => name.length))
  return lines
    .map(([name, { summary, query }]) => {
      const asked = query === undefined ? '' : `  (?${Object.keys(query).join('=&')}=)`
      return `${name.padEnd(width)}  ${summary}${asked}`
    })
    .join('\n')
}
