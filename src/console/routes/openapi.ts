import type { FastifyInstance } from 'fastify'
import { openApiDocument, routeIndex } from '../openapi/document.ts'
import type { OpsContext } from '../server.ts'

/** `GET /openapi.json`, and the list of routes that `GET /` gives. Called before the routes are made: it hears of each. */
export function openApiRoutes(server: FastifyInstance, context: OpsContext): { index(): string } {
  const routes = new Set<string>()
  server.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) routes.add(`${each} ${url}`)
  })
  let document: Promise<object> | undefined
  server.get('/openapi.json', () => {
    document ??= openApiDocument(routes, context.runsOn.version)
    return document
  })
  return {
    index() {
      const name = context.pipeline()?.name
      return `${name === undefined ? '' : `Pipeline ${name}\n\n`}Millrace, the operators' listener. /openapi.json says the same for programs.\n\n${routeIndex(routes)}\n`
    },
  }
}
