import type { FastifyInstance } from 'fastify'
import { durationMs } from '../../duration.ts'
import { MillraceError } from '../../errors.ts'
import { type RevokedKey, unknownKey } from '../../frontend/key-file.ts'
import { addKey, isSource, type KeyRecord, readKeys, revokedKeys, revokeKey, rotateKey } from '../../frontend/keys.ts'
import type { Key, KeysAnswer, NewKey } from '../api/producers.ts'
import { invalid } from '../query.ts'
import { iso } from '../seen.ts'
import type { OpsContext } from '../server.ts'

const DEFAULT_GRACE = '1h'
const MAX_ID_LENGTH = 100
const MAX_TOPICS = 1_000

interface One {
  Params: { id: string }
}

/**
 * The producers' API keys: what there are, made, rotated and ended. A secret is in the answer that makes its key and nowhere else: in no log, in no
 * file. Front ends take a change up within a second.
 */
export function keyRoutes(server: FastifyInstance, { keysFile, instruments, pipeline, clock }: OpsContext): void {
  const file = (): string => {
    if (keysFile !== undefined) return keysFile
    throw new MillraceError('ROUTE_UNKNOWN', 'This process has no front end, which is where the keys are kept.', {
      fix: 'Ask the operators’ listener of a process with the role frontend.',
    })
  }
  const seen = () => new Map(instruments.producers().producers.map(({ source, lastSeenMs }) => [source, lastSeenMs]))

  server.get('/v1/keys', async (): Promise<KeysAnswer> => {
    const [keys, revoked] = await Promise.all([readKeys(file()), revokedKeys(file())])
    const lastSeen = seen()
    return { keyless: keys === undefined, keys: [...(keys ?? []).toReversed(), ...revoked].map(key => keyToJson(key, lastSeen)) }
  })
  server.post('/v1/keys', async (request): Promise<NewKey> => {
    const { source, topics, expires } = wanted(request.body, pipeline()?.topics)
    const nowMs = clock.now()
    const lasts = expires === undefined ? {} : { expiresMs: nowMs + lengthOf(expires, 'expires') }
    const { key, record } = await addKey(file(), { source, topics, ...lasts }, nowMs)
    return { key, record: keyToJson(record, seen()) }
  })
  server.post<One>('/v1/keys/:id/rotate', async (request): Promise<NewKey> => {
    const { grace = DEFAULT_GRACE } = objectIn(request.body)
    const { key, record } = await rotateKey(file(), idIn(request.params), lengthOf(grace, 'grace'), clock.now())
    return { key, record: keyToJson(record, seen()) }
  })
  server.post<One>('/v1/keys/:id/revoke', async (request): Promise<Key> => {
    const id = idIn(request.params)
    const revoked = await revokeKey(file(), id, clock.now())
    if (revoked === undefined) throw unknownKey(id, file())
    return keyToJson(revoked, seen())
  })
}

function keyToJson(key: KeyRecord | RevokedKey<KeyRecord>, lastSeen: ReadonlyMap<string, number>): Key {
  const { id, source, topics, created, expires, rotates } = key
  const seenMs = lastSeen.get(source)
  return {
    ...{ id, source, created },
    topics: topics === '*' ? topics : [...topics],
    expires: expires ?? null,
    revoked: 'revoked' in key ? key.revoked : null,
    rotates: rotates ?? null,
    last_seen: seenMs === undefined ? null : iso(seenMs),
  }
}

/** @throws QUERY_INVALID. Whoever pastes the whole key means its id; the secret must not come back in an answer. */
function idIn({ id }: One['Params']): string {
  const [first = ''] = id.split('.', 1)
  if (first === '' || first.length > MAX_ID_LENGTH) throw invalid('That is no id of a key.', 'It is the part before the dot.')
  return first
}

/** @throws QUERY_INVALID */
function wanted(
  body: unknown,
  known: ReadonlyMap<string, unknown> | undefined,
): { source: string; topics: readonly string[] | '*'; expires?: unknown } {
  const { source, topics, expires } = objectIn(body)
  if (typeof source !== 'string' || !isSource(source))
    throw invalid("'source' is no source.", 'Say in 1 to 255 bytes of text, without control characters, who will send with the key.')
  if (topics !== '*' && !(Array.isArray(topics) && topics.length > 0 && topics.length <= MAX_TOPICS && topics.every(isText)))
    throw invalid("'topics' names no topics.", "Send a list of names, or '*' for every topic that no agent writes.")
  const strange = topics === '*' ? undefined : topics.find(topic => known?.has(topic) === false)
  if (strange !== undefined)
    throw invalid(`There is no topic ${JSON.stringify(strange)}.`, '`millrace topics` (GET /v1/topics) lists those that there are.')
  return { source, topics, ...(expires === undefined || expires === null ? {} : { expires }) }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function objectIn(body: unknown): { readonly [name: string]: unknown } {
  if (body === null || body === undefined) return {}
  if (typeof body !== 'object' || Array.isArray(body)) throw invalid('The body is no object.', 'Send a JSON object.')
  return { ...body }
}

function lengthOf(value: unknown, name: string): number {
  try {
    return durationMs(isText(value) || typeof value === 'number' ? value : '', name)
  } catch (error) {
    if (error instanceof TypeError) throw invalid(`'${name}' is no length of time.`, "It must be one such as '1h' or '30d'.")
    throw error
  }
}
