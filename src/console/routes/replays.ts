import type { FastifyInstance } from 'fastify'
import { isReplayTopic } from '../../agents/dead-letter.ts'
import { gathersFor, whyNoReplay } from '../../agents/gathers.ts'
import { FATES, type Fates } from '../../agents/replay.ts'
import { type Chosen, type PlaceRange, ReplayLog, ReplayReader } from '../../agents/replay-log.ts'
import { groupName } from '../../engine/engine.ts'
import type { AgentVersion, Range } from '../../trace/trace.ts'
import { ANYONE } from '../log-in/identity.ts'
import { count, invalid, whoIn } from '../query.ts'
import { replayToJson } from '../replays.ts'
import type { OpsContext } from '../server.ts'

/** Positions in one portion; the engine bounds its bytes. */
const MAX_PORTION = 10_000
const MAX_RANGES = 10_000
const MAX_WORDS = 1_000

/** Replays of data: list, begin, put a portion again, end. Whoever asks for one sets its pace. */
export function replayRoutes(server: FastifyInstance, context: OpsContext): void {
  const { engine, clock } = context
  const log = new ReplayLog(engine, clock)
  const reader = new ReplayReader(engine)

  server.get('/v1/replays', async () => {
    const [records, standings] = await Promise.all([reader.all(), engine.standings()])
    return { replays: records.map(record => replayToJson(record, standings)) }
  })
  server.post('/v1/replays', async request => {
    const { agent, version, by, what, ranges, key, rate } = objectIn(request.body)
    if (typeof agent !== 'string' || typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1)
      throw invalid('The body names no agent.', 'Send {"agent": "forecast", "version": 2, …}.')
    if (typeof what !== 'string' || what === '' || what.length > MAX_WORDS)
      throw invalid(`'what' is ${JSON.stringify(what)}.`, `Say in 1 to ${MAX_WORDS} characters which data are replayed.`)
    if (!Array.isArray(ranges) || ranges.length > MAX_RANGES) throw invalidRanges()
    const chosen: Chosen = { words: what, ranges: ranges.map(placeRange), ...(typeof key === 'string' ? { key } : {}) }
    await checkReads(context, { name: agent, version }, chosen.ranges)
    const perSecond = typeof rate === 'number' && rate > 0 ? rate : Number.POSITIVE_INFINITY
    return { replay: await log.begin({ name: agent, version }, chosen, perSecond, whoIn(by ?? ANYONE.user)) }
  })
  server.post<{ Params: { replay: string } }>('/v1/replays/:replay/data', async request => {
    const number = count(request.params.replay, 'replay', 1, Number.MAX_SAFE_INTEGER)
    const { range, positions } = objectIn(request.body)
    const record = await reader.one(number)
    const place = typeof range === 'number' ? record.chosen.ranges[range] : undefined
    if (place === undefined || typeof range !== 'number')
      throw invalid(`'range' is ${JSON.stringify(range)}.`, 'It must be the index of one of the ranges.')
    const ranges = positionsIn(positions, place)
    const { topic, partition } = place
    return log.put({ number, agent: record.agent, range, place: { topic, partition }, ranges })
  })
  server.post<{ Params: { replay: string } }>('/v1/replays/:replay/end', async request => {
    const number = count(request.params.replay, 'replay', 1, Number.MAX_SAFE_INTEGER)
    const { complete, fates } = objectIn(request.body)
    if (typeof complete !== 'boolean') throw invalid(`'complete' is ${JSON.stringify(complete)}.`, 'It must be true or false.')
    await reader.one(number)
    await log.end(number, complete, fates === undefined ? undefined : fatesIn(fates))
    return {}
  })
}

function objectIn(body: unknown): { readonly [name: string]: unknown } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('The body is no object.', 'Send a JSON object.')
  return { ...body }
}

/** What became of letters, which are replayed by a route of their own. */
function fatesIn(value: unknown): Fates {
  const given = objectIn(value)
  const counts = FATES.map(fate => [fate, given[fate]] as const)
  if (!counts.every(([, count]) => isOffset(count))) throw invalid("'fates' is no count of each.", `Count ${FATES.join(', ')}.`)
  return Object.fromEntries(counts) as Fates // checked above, name by name
}

/**
 * Of Millrace's own topics only those that the agent reads for itself, such as the windows that were made for it: its replay topic has what was put
 * again already, others are no data. What gathers those windows is given nothing again.
 */
async function checkReads({ engine }: OpsContext, agent: AgentVersion, ranges: readonly PlaceRange[]): Promise<void> {
  // Dead letters, which go back to whoever they died with.
  if (ranges.length === 0) return
  const [topics, standings] = await Promise.all([engine.topics(), engine.standings()])
  const gathered = gathersFor(agent, new Set(topics.map(({ name }) => name)))
  if (gathered !== undefined) {
    const { what, fix } = whyNoReplay(agent, gathered)
    throw invalid(what, fix)
  }
  const group = groupName(agent)
  const reads = new Set(standings.flatMap(at => (at.group === group && !isReplayTopic(at.topic) ? [at.topic] : [])))
  if (ranges.some(({ topic }) => topic.startsWith('_') && !reads.has(topic))) throw invalidRanges()
}

function placeRange(value: unknown): PlaceRange {
  const { topic, partition, first, end } = objectIn(value)
  if (typeof topic !== 'string' || !isOffset(partition) || !isOffset(first) || !isOffset(end) || end < first) throw invalidRanges()
  return { topic, partition, first, end }
}

/** Ranges [first, end), rising, within those of the replay. */
function positionsIn(value: unknown, within: Range): Range[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_PORTION) throw invalidPositions()
  let before = within.first
  let sum = 0
  return value.map((pair: unknown) => {
    const [first, end] = Array.isArray(pair) ? pair : []
    if (!isOffset(first) || !isOffset(end) || first < before || end <= first || end > within.end) throw invalidPositions()
    before = end
    sum += end - first
    if (sum > MAX_PORTION) throw invalidPositions()
    return { first, end }
  })
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function invalidRanges() {
  return invalid("'ranges' does not say which data.", `Send at most ${MAX_RANGES} of {"topic", "partition", "first", "end"}.`)
}

function invalidPositions() {
  return invalid(
    "'positions' does not say which data.",
    `Send [[first, end], …], rising, of the range, ${MAX_PORTION} positions in all at most.`,
  )
}
