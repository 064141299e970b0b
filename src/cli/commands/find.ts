import type { Command } from 'commander'
import type { ShownDatum } from '../../console/api/topics.ts'
import { datumAt } from '../../console/data/at.ts'
import { type SearchAsked, search } from '../../console/data/search.ts'
import { seenAt } from '../../console/shown.ts'
import { parseFilter } from '../../console/tap/filter.ts'
import { parseTime } from '../../console/tap/start.ts'
import type { EngineView } from '../../engine/engine.ts'
import { formatId, suppliedId } from '../../envelope/data-id.ts'
import type { FrameCursor } from '../../envelope/frame.ts'
import { toJsonText } from '../../envelope/json-text.ts'
import { flag, optionsOf, outputOf, repeated, usage } from '../command.ts'
import { untilInterrupted } from '../interrupt.ts'
import { type Output, paint, plain } from '../output.ts'
import { grouped } from '../table.ts'
import { withView } from '../view.ts'
import { unknownTopic } from './tap.ts'

interface FindOptions {
  readonly topic?: string
  readonly source?: string
  readonly key?: string
  readonly id?: string
  readonly from?: string
  readonly to?: string
  readonly where?: readonly string[]
  readonly limit: string
}

/** In one search; there are as many searches as it takes. */
const PAGE = 500

export function addFind(program: Command): void {
  program
    .command('find')
    .description('find data in the stream, the newest first')
    .option('--topic <topic>', 'in one topic; without it in all of the pipeline’s')
    .option('--source <source>', 'of one producer, or one agent (forecast@2)')
    .option('--key <key>', 'with one key: only its partition is looked through')
    .option('--id <id>', 'the id that the --source gave its datum')
    .option('--from <when>', 'appended since a time (2026-01-31T08:00:00Z), or so long ago (10m)')
    .option('--to <when>', 'appended before')
    .option('--where <condition>', 'as of tap: field=value (also !=, >, <, >=, <=, ~ contains); may be repeated', repeated)
    .option('--limit <count>', 'so many at most', '20')
    .action((_options, command: Command) => find(command))
}

async function find(command: Command): Promise<void> {
  const options = optionsOf<FindOptions>(command)
  const output = outputOf(options)
  const asked = askedOf(options)
  using interrupt = untilInterrupted()
  await withView(options, async (view, directory) => {
    const topics = (await view.topics()).map(({ name }) => name)
    if (options.topic !== undefined && !topics.includes(options.topic)) throw unknownTopic(options.topic, topics, directory)
    const within = options.topic === undefined ? topics.filter(name => !name.startsWith('_')) : [options.topic]
    if (options.id === undefined) await everyPage(view, { ...asked, topics: within }, output, interrupt.signal)
    else await byId(view, options.id, options.source, output)
  })
}

function askedOf(options: FindOptions): Omit<SearchAsked, 'topics'> {
  const { source, key, from, to, where = [] } = options
  const nowMs = Date.now()
  const limit = Number(options.limit)
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw usage(`--limit is ${JSON.stringify(options.limit)}.`, 'It must be a whole number from 1.')
  if (options.id !== undefined && source === undefined)
    throw usage('--id needs a --source: ids of producers are their own.', 'Where a datum is by its data_id says millrace trace <data_id>.')
  return {
    limit,
    ...(source === undefined ? {} : { source }),
    ...(key === undefined ? {} : { key }),
    ...(from === undefined ? {} : { fromMs: parseTime(from, nowMs, flag('--from')) }),
    ...(to === undefined ? {} : { toMs: parseTime(to, nowMs, flag('--to')) }),
    ...(where.length === 0 ? {} : { filter: parseFilter(where, flag('--where')) }),
  }
}

async function everyPage(view: EngineView, asked: SearchAsked, output: Output, signal: AbortSignal): Promise<void> {
  let [left, lookedAt] = [asked.limit, 0]
  let before: string | undefined
  do {
    const page = await search(view, { ...asked, limit: Math.min(left, PAGE), ...(before === undefined ? {} : { before }) }, seen)
    for (const datum of page.data) await output.line(lineOf(datum, output))
    left -= page.data.length
    lookedAt += page.lookedAt
    before = page.more
  } while (before !== undefined && left > 0 && !signal.aborted)
  if (output.json || left === 0) return
  const found = asked.limit - left
  output.notice(`${found === 0 ? 'None' : grouped(found)} of ${grouped(lookedAt)} data${signal.aborted ? ', and there are more' : ''}.`)
}

async function byId(view: EngineView, id: string, source = '', output: Output): Promise<void> {
  const record = await view.find(formatId(suppliedId(source, id), 0))
  for (const at of record?.positions ?? []) {
    const datum = await datumAt(view, at, seen)
    if (datum !== undefined) await output.line(lineOf(datum, output))
  }
  if (!output.json && record === undefined) output.notice(`${source} has sent no datum ${id}, or it is forgotten.`)
}

/** Whoever reads the stream itself sees what is in it: masks are the operators' listener's. */
function seen(cursor: FrameCursor, topic: string): ReturnType<typeof seenAt> {
  return seenAt(cursor, topic, { pipeline: () => undefined })
}

function lineOf(datum: ShownDatum, output: Output): string {
  if (output.json) return toJsonText(datum)
  const { topic, partition, offset, created, data_id, source, json, data, cut, content_type } = datum
  const what = data === undefined ? toJsonText(json) : `${content_type}${cut === undefined ? '' : `, ${grouped(cut)} bytes`}`
  return `${paint('dim', plain(`${created}  ${topic} ${partition}:${offset}  ${data_id}  ${source}`))}  ${plain(what)}`
}
