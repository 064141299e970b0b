import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CacheView } from '../../engine/engine.ts'
import { MillraceError } from '../../errors.ts'
import { MASK, type Masking, masked, maskedKey } from '../../stream/masked.ts'
import { cacheMaskingOf } from '../masked.ts'
import type { OpsContext } from '../server.ts'

/** Characters of one answer. A cache that is larger is read key by key. */
const MAX_ANSWER_LENGTH = 64_000_000

interface Named {
  Params: { name: string }
}
interface Keyed {
  Params: { name: string; key: string }
}

/** The latest values, for dashboards to poll: an unchanged answer is 304 and costs neither side much. */
export function cacheRoutes(server: FastifyInstance, context: OpsContext): void {
  // Revisions begin anew in a new data directory; with this a page that has outlived the process never takes another's 7 for its own.
  const boot = randomBytes(4).toString('hex')

  server.get<Named>('/v1/cache/:name', async (request, reply) => {
    const { name } = request.params
    const cache = await context.engine.cache(name)
    if (cache !== undefined)
      return answer(request, reply, `"${boot}-${cache.revision}"`, () => cacheToJson(name, maskedEntries(context, name, cache)))
    // Declared and not written yet is empty, so that a page can start before the first datum.
    if (context.pipeline()?.caches.has(name))
      return answer(request, reply, `"${boot}-0"`, () => cacheToJson(name, { revision: 0, entries: [] }))
    throw new MillraceError('CACHE_UNKNOWN', `There is no cache '${name}'.`, { fix: known(context) })
  })
  server.get<Keyed>('/v1/cache/:name/:key', async (request, reply) => {
    const { name, key } = request.params
    const entry = await context.engine.cacheEntry(name, key)
    const masking = cacheMaskingOf(context.pipeline(), name)
    // A key that is hidden is not to be guessed.
    if (entry === undefined || isHidden(masking, entry)) {
      throw new MillraceError('CACHE_UNKNOWN', `The cache '${name}' has no key ${JSON.stringify(key)}.`, {
        fix: `Check its spelling, percent-encoded; GET /v1/cache/${encodeURIComponent(name)} has every key.`,
      })
    }
    return answer(request, reply, `"${boot}-${entry.revision}"`, () => {
      const updated = new Date(entry.updatedMs).toISOString()
      const value = maskedValue(masking, entry.value)
      return `{"name":${JSON.stringify(name)},"key":${JSON.stringify(key)},"revision":${entry.revision},"updated":"${updated}","value":${value}}`
    })
  })
}

function answer(request: FastifyRequest, reply: FastifyReply, tag: string, body: () => string): FastifyReply {
  reply.header('etag', tag).header('cache-control', 'no-cache')
  if (names(request.headers['if-none-match'], tag)) return reply.code(304).send()
  return reply.type('application/json; charset=utf-8').send(body())
}

/** If-None-Match (RFC 9110 §13.1.2): a list of tags, weak or strong, or `*`. */
function names(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some(part => part.trim() === '*' || part.trim().replace(/^W\//, '') === tag)
}

/** Values are JSON text already: they are put in as they are, not parsed to be written again. */
function cacheToJson(name: string, cache: CacheView): string {
  const parts: string[] = []
  let length = 0
  for (const { key, value } of cache.entries) {
    const part = `${JSON.stringify(key)}:${value}`
    length += part.length
    if (length > MAX_ANSWER_LENGTH) {
      throw new MillraceError('BODY_TOO_LARGE', `The cache '${name}' has ${cache.entries.length} keys, more than fit one answer.`, {
        fix: `Ask for one key: GET /v1/cache/${name}/:key.`,
      })
    }
    parts.push(part)
  }
  return `{"name":${JSON.stringify(name)},"revision":${cache.revision},"entries":{${parts.join(',')}}}`
}

/** Without what the cache hides. Keys that say it are counted in its place, so that each entry is still one. */
function maskedEntries(context: OpsContext, name: string, cache: CacheView): CacheView {
  const masking = cacheMaskingOf(context.pipeline(), name)
  if (masking.mask === undefined) return cache
  const entries = cache.entries.map((entry, i) => {
    const key = maskedKey(masking, entry.key, JSON.parse(entry.value))
    return { ...entry, key: key === MASK ? `${MASK} ${i + 1}` : key, value: maskedValue(masking, entry.value) }
  })
  return { ...cache, entries }
}

function isHidden(masking: Masking, { key, value }: { readonly key: string; readonly value: string }): boolean {
  return masking.mask !== undefined && maskedKey(masking, key, JSON.parse(value)) === MASK
}

/** Both as JSON text. */
function maskedValue(masking: Masking, value: string): string {
  return masking.mask === undefined ? value : JSON.stringify(masked(masking, JSON.parse(value)))
}

function known(context: OpsContext): string {
  const names = [...(context.pipeline()?.caches.keys() ?? [])]
  return names.length === 0 ? 'No agent of the pipeline writes to a cache.' : `There are: ${names.join(', ')}.`
}
