import type { FastifyInstance } from 'fastify'
import type { LetterFilter, LetterState } from '../../agents/dead-letter.ts'
import { MillraceError } from '../../errors.ts'
import { letterToJson, letterWithDatumToJson } from '../letters.ts'
import { count, countIn, dataIdOf, invalid, type Query, textIn, wordIn } from '../query.ts'
import type { OpsContext } from '../server.ts'

const STATES: readonly LetterState[] = ['dead', 'replayed', 'done', 'discarded']
const DEFAULT_LIMIT = 100
/** Some megabytes at most: each carries its reason and none its datum. */
const MAX_LIMIT = 500
/** Letters in one replay or discard. */
const MAX_LETTERS = 10_000
const MAX_BY_LENGTH = 200

/** The dead letters: list, show, replay, discard. */
export function deadRoutes(server: FastifyInstance, context: OpsContext): void {
  const { letters } = context.engine

  server.get<{ Querystring: Query }>('/v1/dead', async request => {
    const found = await letters.list(filterOf(request.query))
    return { letters: found.map(letterToJson) }
  })
  server.get<{ Params: { letter: string } }>('/v1/dead/:letter', async request => {
    const number = count(request.params.letter, 'letter', 1, Number.MAX_SAFE_INTEGER)
    const [letter] = await letters.list({ letters: [number], limit: 1 })
    const frame = await letters.frame(number)
    if (letter === undefined || frame === undefined) {
      throw new MillraceError('LETTER_UNKNOWN', `There is no dead letter ${number}.`, { fix: 'GET /v1/dead lists those that there are.' })
    }
    return letterWithDatumToJson(letter, frame)
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

function filterOf(query: Query): LetterFilter {
  const agent = textIn(query, 'agent')
  const version = countIn(query, 'version', 1, Number.MAX_SAFE_INTEGER)
  const topic = textIn(query, 'topic')
  const state = wordIn(query, 'state', STATES)
  const id = textIn(query, 'data_id')
  const matching = textIn(query, 'matching')
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(version === undefined ? {} : { version }),
    ...(topic === undefined ? {} : { topic }),
    ...(state === undefined ? {} : { state }),
    ...(id === undefined ? {} : { dataId: dataIdOf(id, {}) }),
    ...(matching === undefined ? {} : { matching }),
    limit: countIn(query, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
  }
}

/** @throws QUERY_INVALID unless the body is `{letters: [number, …], by?: string}`. */
function change(body: unknown): { numbers: number[]; by: string } {
  const given: { letters?: unknown; by?: unknown } = typeof body === 'object' && body !== null ? body : {}
  const { letters, by = 'operator' } = given
  if (!Array.isArray(letters) || letters.length === 0 || letters.length > MAX_LETTERS || !letters.every(isLetterNumber))
    throw invalid('The body names no letters.', `Send {"letters": [12, 13]} with 1 to ${MAX_LETTERS} numbers of dead letters.`)
  if (typeof by !== 'string' || by === '' || by.length > MAX_BY_LENGTH)
    throw invalid(`'by' is ${JSON.stringify(by)}.`, `Say who does it in 1 to ${MAX_BY_LENGTH} characters, or leave it out.`)
  return { numbers: [...new Set<number>(letters)], by }
}

function isLetterNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1
}

function without(numbers: readonly number[], taken: readonly number[]): number[] {
  const gone = new Set(taken)
  return numbers.filter(number => !gone.has(number))
}
