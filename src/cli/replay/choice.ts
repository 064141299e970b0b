import type { Chosen, PlaceRange } from '../../agents/replay-log.ts'
import { parseStart } from '../../console/tap/start.ts'
import type { EngineView } from '../../engine/engine.ts'
import { isDataId } from '../../envelope/data-id.ts'
import { MillraceError } from '../../errors.ts'
import { flag, usage } from '../command.ts'
import { timeText } from '../table.ts'
import { rangesOf } from '../transfer/range.ts'
import type { Replayable } from './agent.ts'

export interface ChoiceOptions {
  readonly topic?: string
  readonly from?: string
  readonly to?: string
  readonly key?: string
  readonly ids?: string
}

/** What one request names at most. */
const MAX_IDS = 5_000

/** The data that the flags name, in the topics that the agent reads. @throws USAGE, DATUM_UNKNOWN */
export async function choose(view: EngineView, agent: Replayable, options: ChoiceOptions, nowMs: number): Promise<Chosen> {
  const topics = topicsOf(agent, options.topic)
  const { from, to, key, ids } = options
  if (ids !== undefined) {
    if (from !== undefined || to !== undefined || key !== undefined)
      throw usage('--ids says which data already.', 'Leave --from, --to and --key out.')
    return chosenByIds(view, topics, ids)
  }
  if (from === undefined && to === undefined && key === undefined)
    throw usage('replay needs to know which data.', 'Say it: --from <when>, --to <when>, --key <key>, --ids <ids>, or --dead.')
  const edges = {
    from: parseStart(from ?? 'earliest', nowMs, flag('--from')),
    to: parseStart(to ?? 'latest', nowMs, flag('--to')),
    partition: undefined,
  }
  const ranges = (await Promise.all(topics.map(topic => rangesOf(view, topic, edges)))).flat()
  const words = [`${topics.join(', ')} from ${edgeText(edges.from)} to ${edgeText(edges.to)}`, ...(key === undefined ? [] : [`key ${key}`])]
  return {
    words: words.join(', '),
    ranges: ranges
      .filter(range => range.from < range.end)
      .map(({ topic, partition, from: first, end }) => ({ topic, partition, first, end })),
    ...(key === undefined ? {} : { key }),
  }
}

function topicsOf({ agent, topics }: Replayable, only: string | undefined): readonly string[] {
  if (only === undefined) return topics
  if (topics.includes(only)) return [only]
  throw usage(`${agent.name}@${agent.version} does not read '${only}'.`, `It reads: ${topics.join(', ')}.`)
}

async function chosenByIds(view: EngineView, topics: readonly string[], text: string): Promise<Chosen> {
  const ids = [...new Set(text.split(/[\s,]+/).filter(id => id !== ''))]
  const wrong = ids.find(id => !isDataId(id))
  if (wrong !== undefined) throw usage(`--ids: ${JSON.stringify(wrong)} is not a data_id, which is a UUID.`, 'Separate them with commas.')
  if (ids.length === 0 || ids.length > MAX_IDS) throw usage(`--ids names ${ids.length} data.`, `It must be 1 to ${MAX_IDS}.`)
  const ranges: PlaceRange[] = []
  const missing: string[] = []
  for (const id of ids) {
    // Checked above.
    const record = await view.find(id)
    const at = record?.positions.find(({ topic }) => topics.includes(topic))
    if (at === undefined) missing.push(id)
    else ranges.push({ topic: at.topic, partition: at.partition, first: at.offset, end: at.offset + 1 })
  }
  if (missing.length > 0)
    throw new MillraceError('DATUM_UNKNOWN', `${missing.length} of them are not in ${topics.join(', ')}, such as ${missing[0]}.`, {
      fix: 'They may have expired, or be of another topic: millrace trace <data_id> says what is known. Leave them out.',
    })
  ranges.sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition || a.first - b.first)
  return { words: ids.length === 1 ? `the datum ${ids[0]}` : `${ids.length} data by id`, ranges }
}

function edgeText(edge: 'earliest' | 'latest' | { readonly timeMs: number }): string {
  return typeof edge === 'string' ? edge : timeText(edge.timeMs)
}
