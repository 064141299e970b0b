import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'

/** Where `npm run build:console` puts the pages: beside this file in the package, in dist/ where it runs from its sources. */
const BUILT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../dist/console/web/' : './web/', import.meta.url))
const A_YEAR_S = 31_536_000

/**
 * The web console, at `/console/`: static files, with every view's URL answered by the one page that draws them all. Its assets have their
 * content's hash in their names, so that a browser keeps them for good; the page itself it asks for each time.
 */
export async function consolePage(server: FastifyInstance, built = BUILT): Promise<void> {
  server.get('/console', (_request, reply) => reply.redirect('/console/'))
  if (!existsSync(built)) {
    server.get('/console/*', (_request, reply) => {
      reply.code(503).type('text/plain; charset=utf-8').send('The console is not built yet: npm run build:console, then start again.\n')
    })
    return
  }
  await server.register(async scope => {
    await scope.register(fastifyStatic, {
      root: built,
      prefix: '/console/',
      dotfiles: 'deny',
      wildcard: false,
      cacheControl: false,
      setHeaders: (response, path) => {
        response.header('cache-control', path.includes('/assets/') ? `public, max-age=${A_YEAR_S}, immutable` : 'no-cache')
      },
    })
    scope.get<{ Params: { '*': string } }>('/console/*', (request, reply) => {
      // An asset of another build: the page instead of it would be taken for a script.
      if (request.params['*'].startsWith('assets/')) return reply.callNotFound()
      return reply.header('cache-control', 'no-cache').sendFile('index.html')
    })
  })
}
