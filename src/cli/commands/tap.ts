import type { Command } from 'commander'
import { parseFilter } from '../../console/tap/filter.ts'
import { parseStart, startOffsets } from '../../console/tap/start.ts'
import { MillraceError } from '../../errors.ts'
import { flag, optionsOf, outputOf, repeated, usage } from '../command.ts'
import { untilInterrupted } from '../interrupt.ts'
import type { Output } from '../output.ts'
import { filtered, jsonLine, textLine } from '../tap/draw.ts'
import { follow, type Place } from '../tap/follow.ts'
import { withView } from '../view.ts'

interface TapOptions {
  readonly from: string
  readonly where?: readonly string[]
  readonly limit?: string
  readonly follow: boolean
}

export function addTap(program: Command): void {
  program
    .command('tap')
    .description('watch a topic, live or from a time on; ends at Ctrl-C')
    .argument('<topic>', 'the topic to watch')
    .option('--from <when>', 'earliest, latest, a time (2026-01-31T08:00:00Z) or so long ago (10m)', 'latest')
    .option(
      '--where <condition>',
      'only data with field=value (also !=, >, <, >=, <=, ~ contains; @source, @key); may be repeated',
      repeated,
    )
    .option('--limit <count>', 'end after so many data')
    .option('--no-follow', 'end at what is the end now')
    .action((topic: string, _options, command: Command) => tap(topic, command))
}

async function tap(topic: string, command: Command): Promise<void> {
  const options = optionsOf<TapOptions>(command)
  const output = outputOf(options)
  const start = parseStart(options.from, Date.now(), flag('--from'))
  const filter = parseFilter(options.where ?? [], flag('--where'))
  let left = limitOf(options.limit)
  using interrupt = untilInterrupted()
  await withView(options, async (view, directory) => {
    const topics = (await view.topics()).map(spec => spec.name)
    if (!topics.includes(topic)) throw unknownTopic(topic, topics, directory)
    let behind: Promise<unknown> | undefined
    const visit = (place: Place): boolean => {
      const datum = filtered(place)
      if (!filter(datum)) return true
      behind = output.line(output.json ? jsonLine(place, datum.value) : textLine(place, datum.value))
      left--
      return left > 0
    }
    if (start === 'latest' && options.follow) watching(output, topic)
    const from = await startOffsets(view, topic, start)
    await follow(view, topic, from, { live: options.follow, signal: interrupt.signal, visit, caughtUp: () => behind })
  })
}

function watching(output: Output, topic: string): void {
  if (output.interactive) output.notice(`Watching ${topic}; --from earliest shows what is there already. Ctrl-C ends.`)
}

/** @throws TOPIC_UNKNOWN naming the topics that there are. */
export function unknownTopic(topic: string, topics: readonly string[], directory: string): MillraceError {
  const shown = topics.filter(name => !name.startsWith('_'))
  return new MillraceError('TOPIC_UNKNOWN', `There is no topic '${topic}' in ${directory}.`, {
    fix: shown.length === 0 ? 'It has none yet: start a pipeline there first.' : `It has: ${shown.join(', ')}.`,
  })
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY
  const limit = Number(text)
  if (!Number.isSafeInteger(limit) || limit < 1) throw usage(`--limit is ${JSON.stringify(text)}.`, 'It must be a whole number from 1.')
  return limit
}
