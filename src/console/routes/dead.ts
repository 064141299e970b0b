import type { FastifyInstance } from 'fastify'
import { LETTER_STATES, type LetterFilter, type StoredLetter } from '../../agents/dead-letter.ts'
import { type DeadFilter, deadLetters, groupLetters } from '../../agents/letter-groups.ts'
import { MillraceError } from '../../errors.ts'
import type { TriedLetter } from '../api/dead.ts'
import { editedLetter } from '../edited.ts'
import { triedLetter } from '../letter-trial.ts'
import { groupToJson, letterToJson, shownLetter } from '../letters.ts'
import { ANYONE } from '../log-in/identity.ts'
import { count, countIn, dataIdOf, invalid, type Query, textIn, whoIn, wordIn } from '../query.ts'
import type { OpsContext } from '../server.ts'

const DEFAULT_LIMIT = 100
/** Some megabytes at most: each carries its reason and none its datum. */
const MAX_LIMIT = 500
/** Letters in one replay or discard. */
const MAX_LETTERS = 10_000

/** The dead letters: list, group, show, edit, try, replay, discard. */
export function deadRoutes(server: FastifyInstance, context: OpsContext): void {
  const { letters } = context.engine

  server.get<{ Querystring: Query }>('/v1/dead', async request => {
    const filter = filterOf(request.query)
    const fingerprint = textIn(request.query, 'fingerprint')
    const found = fingerprint === undefined ? await letters.list(filter) : await ofGroup(context, filter, fingerprint)
    return { letters: found.map(letterToJson) }
  })
  server.get<{ Querystring: Query }>('/v1/dead/groups', async request => {
    const { limit: _, state: __, ...filter } = filterOf(request.query)
    return { groups: (await groupLetters(letters, filter)).map(groupToJson) }
  })
  server.get<{ Params: { letter: string } }>('/v1/dead/:letter', async request => {
    const number = letterIn(request.params)
    const shown = await shownLetter(letters, number, context.pipeline())
    if (shown === undefined) throw unknownLetter(number)
    return shown
  })
  server.post<{ Params: { letter: string } }>('/v1/dead/:letter/edit', async request => {
    const number = letterIn(request.params)
    const { data, contentType, by } = edit(request.body)
    const [letter] = await letters.list({ letters: [number], limit: 1 })
    const frame = await letters.frame(number)
    if (letter === undefined) throw unknownLetter(number)
    if (frame === undefined) return { edited: [], refused: [number] }
    const edited = await editedLetter(context.pipeline(), letter, frame, { data, contentType })
    return (await letters.edit(number, edited, by)) ? { edited: [number], refused: [] } : { edited: [], refused: [number] }
  })
  server.post('/v1/dead/try', async (request): Promise<TriedLetter> => {
    const { attempt } = context
    if (attempt === undefined) throw new MillraceError('ROUTE_UNKNOWN', 'This process has no pipeline whose handlers could be tried.')
    const { number, edited } = trial(request.body)
    const [letter] = await letters.list({ letters: [number], limit: 1 })
    if (letter === undefined) throw unknownLetter(number)
    const datum = async () => {
      const frame = await letters.frame(number)
      return frame === undefined || edited === undefined ? frame : editedLetter(context.pipeline(), letter, frame, edited)
    }
    return triedLetter(letter, datum, attempt, context.pipeline())
  })
  server.post('/v1/dead/replay', async request => {
    const { numbers, by } = change(request.body)
    const replayed = await letters.replay(numbers, by)
    return { replayed, refused: without(numbers, replayed) }
  })
  server.post('/v1/dead/discard', async request => {
    const { numbers, by } = change(request.body)
    const discarded = await letters.discard(numbers, by)
    return { discarded, refused: without(numbers, discarded) }
  })
}

/** The newest letters of a group. */
async function ofGroup({ engine }: OpsContext, filter: LetterFilter, fingerprint: string): Promise<StoredLetter[]> {
  const { limit, state, ...rest } = filter
  if (state !== undefined && state !== 'dead') throw invalid(`'state' is ${state}.`, 'Letters that are dead have a fingerprint alone.')
  const matching: DeadFilter = { ...rest, fingerprint }
  let newest: StoredLetter[] = []
  for await (const page of deadLetters(engine.letters, matching)) newest = [...newest, ...page].slice(-limit)
  return newest.reverse()
}

function letterIn(params: { letter: string }): number {
  return count(params.letter, 'letter', 1, Number.MAX_SAFE_INTEGER)
}

function unknownLetter(letter: number): MillraceError {
  return new MillraceError('LETTER_UNKNOWN', `There is no dead letter ${letter}.`, {
    fix: '`millrace dead list` (GET /v1/dead) shows those that there are.',
  })
}

function filterOf(query: Query): LetterFilter {
  const agent = textIn(query, 'agent')
  const version = countIn(query, 'version', 1, Number.MAX_SAFE_INTEGER)
  const topic = textIn(query, 'topic')
  const state = wordIn(query, 'state', LETTER_STATES)
  const id = textIn(query, 'data_id')
  const matching = textIn(query, 'matching')
  const after = countIn(query, 'after', 0, Number.MAX_SAFE_INTEGER)
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(version === undefined ? {} : { version }),
    ...(topic === undefined ? {} : { topic }),
    ...(state === undefined ? {} : { state }),
    ...(id === undefined ? {} : { dataId: dataIdOf(id, {}) }),
    ...(matching === undefined ? {} : { matching }),
    ...(after === undefined ? {} : { after }),
    limit: countIn(query, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
  }
}

/** @throws QUERY_INVALID unless the body is `{letters: [number, …], by?: string}`. */
function change(body: unknown): { numbers: number[]; by: string } {
  const given: { letters?: unknown; by?: unknown } = typeof body === 'object' && body !== null ? body : {}
  const { letters, by = ANYONE.user } = given
  if (!Array.isArray(letters) || letters.length === 0 || letters.length > MAX_LETTERS || !letters.every(isLetterNumber))
    throw invalid('The body names no letters.', `Send {"letters": [12, 13]} with 1 to ${MAX_LETTERS} numbers of dead letters.`)
  return { numbers: [...new Set<number>(letters)], by: whoIn(by) }
}

/** @throws QUERY_INVALID unless the body is `{letter: number, data?: base64, content_type?: string}`. */
function trial(body: unknown): { number: number; edited: { data: Buffer; contentType: string | undefined } | undefined } {
  const { letter, data }: { letter?: unknown; data?: unknown } = typeof body === 'object' && body !== null ? body : {}
  if (!isLetterNumber(letter)) throw invalid('The body names no letter.', 'Send {"letter": 12}, with "data" to try other data.')
  if (data === undefined) return { number: letter, edited: undefined }
  const { data: bytes, contentType } = edit(body)
  return { number: letter, edited: { data: bytes, contentType } }
}

/** @throws QUERY_INVALID unless the body is `{data: base64, content_type?: string, by?: string}`. */
function edit(body: unknown): { data: Buffer; contentType?: string; by: string } {
  const given: { data?: unknown; content_type?: unknown; by?: unknown } = typeof body === 'object' && body !== null ? body : {}
  const { data, content_type: contentType, by = ANYONE.user } = given
  if (typeof data !== 'string' || Buffer.from(data, 'base64').toString('base64') !== data)
    throw invalid('The body has no datum.', 'Send {"data": "<base64>"}, with "content_type" where it is another than before.')
  if (contentType !== undefined && (typeof contentType !== 'string' || !MEDIA_TYPE.test(contentType)))
    throw invalid(`'content_type' is ${JSON.stringify(contentType)}.`, 'It must be a media type, such as application/json.')
  return { data: Buffer.from(data, 'base64'), ...(contentType === undefined ? {} : { contentType }), by: whoIn(by) }
}

/** What a frame holds of one: ASCII, 255 of it at most. */
const MEDIA_TYPE = /^[\x21-\x7e][\x20-\x7e]{0,254}$/

function isLetterNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1
}

function without(numbers: readonly number[], taken: readonly number[]): number[] {
  const gone = new Set(taken)
  return numbers.filter(number => !gone.has(number))
}
