import type { Command } from 'commander'
import { systemClock } from '../../clock.ts'
import { durationMs } from '../../duration.ts'
import { resolveConfig } from '../../runtime/config.ts'
import { readRuntimeFile } from '../../runtime/runtime-file.ts'
import { optionsOf, outputOf, repeated, type Shared, usage } from '../command.ts'
import { EXIT } from '../exit.ts'
import { untilInterrupted } from '../interrupt.ts'
import { plain } from '../output.ts'
import { checkUrl } from '../send/client.ts'
import type { ColumnType, CsvOptions } from '../send/csv.ts'
import { Progress } from '../send/progress.ts'
import { Sender } from '../send/sender.ts'
import { type Format, openSource } from '../send/source.ts'
import { type Rejection, Tally } from '../send/tally.ts'
import { grouped } from '../table.ts'

interface SendOptions extends Shared {
  readonly topic?: string
  readonly url?: string
  readonly key?: string
  readonly format?: string
  readonly rate?: string
  readonly map?: readonly string[]
  readonly types?: readonly string[]
  readonly delimiter: string
  readonly again?: boolean
  readonly name?: string
  readonly giveUp: string
}

export function addSend(program: Command): void {
  program
    .command('send')
    .description('send a datum, or a JSON, NDJSON or CSV file; running it again stores nothing twice')
    .argument('[what]', 'a datum as JSON, a file, or - for stdin')
    .option('--topic <topic>', 'where to')
    .option('--url <url>', 'the front end (default: the running process of the data directory, or MILLRACE_URL)')
    .option('--key <key>', 'an API key (better in MILLRACE_KEY: other users of the machine can see flags)')
    .option('--format <format>', 'json, ndjson or csv, where the file name does not say; stdin is ndjson')
    .option('--rate <count>', 'at most so many data a second')
    .option('--map <column=field>', 'CSV: the field that a column becomes; nothing after = leaves it out; may be repeated', repeated)
    .option('--types <column=type>', 'CSV: text, number, boolean or json instead of what the cell looks like; may be repeated', repeated)
    .option('--delimiter <character>', 'CSV: what separates the cells', ',')
    .option('--again', 'store the data anew, though they were sent before')
    .option('--name <name>', 'what tells this input from others with the same lines (default: the path of the file)')
    .option('--give-up <duration>', 'how long to go on trying when nothing is accepted', '60s')
    .action((what: string | undefined, _options, command: Command) => send(what, command))
}

async function send(what: string | undefined, command: Command): Promise<void> {
  const options = optionsOf<SendOptions>(command)
  const output = outputOf(options)
  if (options.topic === undefined || options.topic === '') throw usage('send needs a topic.', 'Name it: --topic demand')
  const rate = rateOf(options.rate)
  const giveUpMs = giveUpOf(options.giveUp)
  const url = await frontEnd(options)
  const source = openSource(what, formatOf(options.format), csvOptions(options))
  const name = options.again === true ? undefined : (options.name ?? source.name)
  const key = options.key ?? process.env.MILLRACE_KEY

  using interrupt = untilInterrupted()
  const tally = new Tally(rejection => {
    if (!output.json && tally.rejected <= SHOWN_REJECTIONS) output.notice(plain(wordsOf(rejection)))
  })
  const progress = new Progress(tally, () => (source.bytes === undefined || source.bytes === 0 ? undefined : source.read() / source.bytes))
  const to = { url, topic: options.topic, ...(key === undefined ? {} : { key }) }
  const sender = new Sender(
    { to, name, rate, giveUpMs, clock: systemClock, signal: interrupt.signal, onWait: why => progress.waiting(why) },
    tally,
  )
  let complete = false
  try {
    for await (const records of source.records) {
      await sender.send(records)
      if (interrupt.signal.aborted) break
      progress.moved()
    }
    complete = !interrupt.signal.aborted
  } finally {
    progress.end()
    // Also when it fails on the way: what was stored until then is part of the answer.
    if (complete || tally.settled > 0) {
      const { accepted, duplicate, rejected, rejections } = tally
      // A datum on the command line is a new one each time: its id is what its sender asks for next.
      const dataId = source.name === undefined ? tally.dataId : undefined
      const answer = { topic: to.topic, url, complete, accepted, duplicate, rejected, rejections }
      output.answer({ ...answer, ...(dataId === undefined ? {} : { data_id: dataId }) }, () =>
        dataId === undefined ? summary(tally) : `accepted ${dataId}`,
      )
    }
  }
  if (!complete) {
    output.notice('Interrupted before the end. Run it again to send the rest: what is stored already is not stored twice.')
    process.exitCode = EXIT.interrupted
  } else if (tally.rejected > 0) process.exitCode = EXIT.partly
}

const SHOWN_REJECTIONS = 20

function summary(tally: Tally): string {
  return `accepted ${grouped(tally.accepted)}, duplicate ${grouped(tally.duplicate)}, rejected ${grouped(tally.rejected)}`
}

function wordsOf({ line, issues }: Rejection): string {
  return `line ${line}: ${issues.map(issue => (issue.path === '' ? issue.message : `${issue.path}: ${issue.message}`)).join('; ')}`
}

async function frontEnd(options: SendOptions): Promise<string> {
  if (options.url !== undefined) return checkUrl(options.url, '--url')
  if (process.env.MILLRACE_URL) return checkUrl(process.env.MILLRACE_URL, 'MILLRACE_URL')
  const config = await resolveConfig({ flags: { data: options.data } })
  const host = config.listen.host.includes(':') ? `[${config.listen.host}]` : config.listen.host
  return readRuntimeFile(config.data)?.listen ?? `http://${host}:${config.listen.port}`
}

function formatOf(text: string | undefined): Format | undefined {
  if (text === undefined || text === 'json' || text === 'ndjson' || text === 'csv') return text
  throw usage(`--format is ${JSON.stringify(text)}.`, 'It must be json, ndjson or csv.')
}

function rateOf(text: string | undefined): number {
  const rate = text === undefined ? Number.POSITIVE_INFINITY : Number(text)
  if (!(rate > 0)) throw usage(`--rate is ${JSON.stringify(text)}.`, 'It must be a number of data a second, above 0.')
  return rate
}

function giveUpOf(text: string): number {
  try {
    return durationMs(text, '--give-up')
  } catch (error) {
    if (error instanceof TypeError) throw usage(`--give-up is ${JSON.stringify(text)}.`, "It must be a duration such as '30s' or '5m'.")
    throw error
  }
}

function csvOptions(options: SendOptions): CsvOptions {
  if (options.delimiter.length !== 1 && options.delimiter !== '\\t')
    throw usage(`--delimiter is ${JSON.stringify(options.delimiter)}.`, "It must be one character, such as ';' ('\\t' is a tab).")
  return {
    delimiter: options.delimiter === '\\t' ? '\t' : options.delimiter,
    fields: new Map((options.map ?? []).map(text => pair(text, '--map', 'megawatts=mw'))),
    types: new Map(
      (options.types ?? []).map(text => pair(text, '--types', 'station=text')).map(([column, type]) => [column, typeOf(type)]),
    ),
  }
}

function pair(text: string, flag: string, example: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw usage(`${flag} is ${JSON.stringify(text)}.`, `It must be column=…, such as ${flag} ${example}.`)
  return [text.slice(0, at), text.slice(at + 1)]
}

function typeOf(text: string): ColumnType {
  if (text === 'text' || text === 'number' || text === 'boolean' || text === 'json' || text === 'auto') return text
  throw usage(`--types names a type ${JSON.stringify(text)}.`, 'It must be text, number, boolean, json or auto.')
}
