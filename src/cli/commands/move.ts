import type { Command } from 'commander'
import { systemClock } from '../../clock.ts'
import type { AtRest } from '../../engine/embedded/index.ts'
import type { Pipeline } from '../../pipeline.ts'
import { resolveConfig } from '../../runtime/config.ts'
import { shownUrl } from '../../runtime/connections.ts'
import type { MoveReport } from '../../runtime/move/move.ts'
import { optionsOf, outputOf, type Shared, usage } from '../command.ts'
import { EXIT } from '../exit.ts'
import { untilInterrupted } from '../interrupt.ts'
import { grouped, table } from '../table.ts'
import { Progress } from '../transfer/progress.ts'

interface MoveFlags extends Shared {
  readonly history?: boolean
}

export function addMove(program: Command): void {
  program
    .command('move')
    .description('move a pipeline that is stopped from its data directory to a stream and a trace that processes share')
    .argument('<file>', 'the file whose default export is the pipeline')
    .option('--history', 'take along what the trace knows of data that are done, for as long as it is kept')
    .addHelpText(
      'after',
      '\nCut off at any point it is run again and goes on; until it is complete nothing starts there. See docs/moving.md.',
    )
    .action((file: string, _options, command: Command) => moveCommand(file, command))
}

async function moveCommand(file: string, command: Command): Promise<void> {
  const options = optionsOf<MoveFlags>(command)
  const output = outputOf(options)
  const { data, stream, trace } = options
  const config = await resolveConfig({ flags: { data, stream, trace } })
  const { connections } = config
  if (connections === undefined)
    throw usage('move needs to know where to.', 'Name both: --stream kafka://host:9092 --trace redis://host:6379')
  const { loadPipeline } = await import('../../runtime/load.ts')
  const pipeline = await loadPipeline(file)
  const { openAtRest } = await import('../../engine/embedded/index.ts')
  const { connect } = await import('../../runtime/distributed.ts')
  const { move } = await import('../../runtime/move/move.ts')

  using interrupt = untilInterrupted()
  const source = await openAtRest(config.data)
  await checkIsOf(pipeline, source).catch(async error => {
    await source.close()
    throw error
  })
  const progress = new Progress('data moved')
  let report: MoveReport
  try {
    const warn = (text: string) => output.notice(text)
    const context = { pipeline: pipeline.name, clock: systemClock, held: (error: Error | undefined) => error && warn(error.message), warn }
    const connected = await connect(connections, context)
    try {
      const { signal } = interrupt
      const moved = (count: number) => progress.moved(count)
      report = await move({ source, ...connected, clock: systemClock, history: options.history === true, signal, moved, warn })
    } finally {
      await Promise.all([connected.stream.close(), connected.trace.close()])
    }
  } catch (error) {
    if (!interrupt.signal.aborted || error !== interrupt.signal.reason) throw error
    output.notice('Interrupted before the end. Run it again to go on: until then nothing starts on the stream.')
    process.exitCode = EXIT.interrupted
    return
  } finally {
    progress.end()
    await source.close()
  }
  output.answer(toJson(pipeline.name, config.data, report), () => draw(report))
  if (output.json) return
  const to = shownUrl(connections.stream.url)
  output.notice(
    report.already
      ? `${pipeline.name} was moved before: it is in ${to}`
      : `${pipeline.name} has moved to ${to}\nStart it there, with the same --stream and --trace.`,
  )
  output.notice(`${config.data} is as it was. Do not start the pipeline on it again: both would go on from here, each by itself.`)
}

/** Under another pipeline's name nobody would find what was moved. @throws USAGE */
async function checkIsOf({ name, agents }: Pipeline, source: AtRest): Promise<void> {
  const groups = new Set((await source.standings()).map(({ group }) => group))
  if (groups.size === 0 || groups.intersection(agents).size > 0) return
  throw usage(
    `No agent of ${name} has run on the data directory; those that have are ${[...groups].sort().join(', ')}.`,
    'Name the file of the pipeline that ran there, or its data directory with --data.',
  )
}

function toJson(pipeline: string, from: string, { groups, cacheEntries, ...report }: MoveReport) {
  return {
    pipeline,
    from,
    ...report,
    groups: groups.map(({ replacedBy, ...group }) => ({ ...group, ...(replacedBy === undefined ? {} : { replaced_by: replacedBy }) })),
    cache_entries: cacheEntries,
  }
}

function draw({ topics, groups, letters, cacheEntries, marks, already }: MoveReport): string {
  const counted = [`dead letters ${grouped(letters)}, cache entries ${grouped(cacheEntries)}, marks ${grouped(marks)}`]
  return [
    table(
      ['TOPIC', 'PARTITIONS', 'DATA'],
      topics.map(({ topic, partitions, data }) => [topic, partitions, data]),
    ),
    '',
    table(
      ['GROUP', 'BEHIND'],
      groups.map(({ group, behind, replacedBy }) => [replacedBy === undefined ? group : `${group} (now ${replacedBy})`, behind]),
    ),
    ...(already ? [] : ['', ...counted]),
  ].join('\n')
}
