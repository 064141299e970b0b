import type { FastifyInstance } from 'fastify'
import type { Selection } from '../../agents/change-letters.ts'
import type { DeadFilter } from '../../agents/letter-groups.ts'
import type { LetterReplay, LetterReplaysAnswer } from '../api/dead.ts'
import { LetterReplays, type LetterReplayWish } from '../letter-replays.ts'
import { ANYONE } from '../log-in/identity.ts'
import { count, invalid, whoIn } from '../query.ts'
import type { OpsContext } from '../server.ts'

const MAX_LETTERS = 10_000
const MAX_TEXT = 1_000
const TEXTS = ['agent', 'topic', 'fingerprint', 'matching'] as const

interface One {
  Params: { replay: string }
}

/** Replays of dead letters that this process does by itself: begun, watched, and cancelled. */
export function letterReplayRoutes(server: FastifyInstance, { engine, clock, log }: OpsContext): void {
  const replays = new LetterReplays(engine.letters, clock, log)
  server.addHook('preClose', () => replays.close())

  server.get('/v1/dead/replays', async (): Promise<LetterReplaysAnswer> => ({ replays: replays.all() }))
  server.post('/v1/dead/replays', (request): Promise<LetterReplay> => replays.begin(wished(request.body)))
  server.get<One>('/v1/dead/replays/:replay', async (request): Promise<LetterReplay> => replays.one(numberIn(request.params)))
  server.post<One>('/v1/dead/replays/:replay/cancel', (request): Promise<LetterReplay> => replays.cancel(numberIn(request.params)))
}

function numberIn({ replay }: One['Params']): number {
  return count(replay, 'replay', 1, Number.MAX_SAFE_INTEGER)
}

/** @throws QUERY_INVALID unless the body is `{agent?, version?, topic?, fingerprint?, matching?, letters?, rate?, by?}`. */
function wished(body: unknown): LetterReplayWish {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('The body is no object.', 'Send a JSON object.')
  const { letters, rate, by = ANYONE.user, version, ...rest }: { readonly [name: string]: unknown } = { ...body }
  const texts = TEXTS.flatMap(name => (rest[name] === undefined || rest[name] === null ? [] : [[name, rest[name]] as const]))
  for (const [name, value] of texts)
    if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT)
      throw invalid(`'${name}' is no text.`, 'Leave it out, or say which.')
  if (rate !== undefined && rate !== null && !(typeof rate === 'number' && rate > 0 && Number.isFinite(rate)))
    throw invalid(`'rate' is ${JSON.stringify(rate)}.`, 'It must be how many letters a second, or left out.')
  if (version !== undefined && version !== null && !(typeof version === 'number' && Number.isSafeInteger(version) && version >= 1))
    throw invalid(`'version' is ${JSON.stringify(version)}.`, 'It must be a whole number from 1, or left out.')
  // Checked above, name by name.
  const filter = { ...Object.fromEntries(texts), ...(typeof version === 'number' ? { version } : {}) } as DeadFilter
  const selection = selected(letters, filter)
  const perSecond = typeof rate === 'number' ? rate : Number.POSITIVE_INFINITY
  return { selection, what: wordsOf(selection), perSecond, by: whoIn(by) }
}

function selected(letters: unknown, filter: DeadFilter): Selection {
  if (letters === undefined || letters === null) return { filter }
  if (Object.keys(filter).length > 0) throw invalid("'letters' and a filter say different things.", 'Send one of them.')
  if (!Array.isArray(letters) || letters.length === 0 || letters.length > MAX_LETTERS || !letters.every(isNumber))
    throw invalid("'letters' names no letters.", `Send 1 to ${MAX_LETTERS} numbers of dead letters.`)
  return { letters }
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1
}

/** `those of forecast@2 in demand that failed as 3f2a91c0` */
function wordsOf(selection: Selection): string {
  if ('letters' in selection)
    return selection.letters.length === 1 ? `letter ${selection.letters[0]}` : `${selection.letters.length} letters`
  const { agent, version, topic, fingerprint, matching } = selection.filter
  const words = [
    ...(agent === undefined ? [] : [`of ${agent}${version === undefined ? '' : `@${version}`}`]),
    ...(topic === undefined ? [] : [`in ${topic}`]),
    ...(fingerprint === undefined ? [] : [`that failed as ${fingerprint}`]),
    ...(matching === undefined ? [] : [`whose reason contains ${JSON.stringify(matching)}`]),
  ]
  return words.length === 0 ? 'all that are dead' : `those ${words.join(' ')}`
}
