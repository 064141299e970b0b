import type { Command } from 'commander'
import { resolveConfig } from '../../runtime/config.ts'
import type { Spot } from '../../transfer/importer.ts'
import { optionsOf, outputOf, type Shared, usage } from '../command.ts'
import { EXIT } from '../exit.ts'
import { untilInterrupted } from '../interrupt.ts'
import { plain } from '../output.ts'
import { grouped } from '../table.ts'
import { inputsOf, open } from '../transfer/inputs.ts'
import { Progress } from '../transfer/progress.ts'

interface ImportFlags extends Shared {
  readonly topic?: string
  readonly derived?: boolean
}

export function addImport(program: Command): void {
  program
    .command('import')
    .description('bring exported files into a pipeline, with their ids; running it again stores nothing twice')
    .argument('<file>', 'the file whose default export is the pipeline')
    .argument('<files...>', 'NDJSON of envelopes or Parquet, or folders of them, such as what export has written')
    .option('--topic <name>', 'all data go to this topic, whatever their envelopes say')
    .option('--derived', 'also topics that agents of the pipeline write')
    .action((file: string, files: string[], _options, command: Command) => importCommand(file, files, command))
}

async function importCommand(file: string, files: readonly string[], command: Command): Promise<void> {
  const options = optionsOf<ImportFlags>(command)
  const output = outputOf(options)
  const { data, stream, trace, topic } = options
  const config = await resolveConfig({ flags: { data, stream, trace } })
  const inputs = inputsOf(files)
  const { loadPipeline } = await import('../../runtime/load.ts')
  const pipeline = await loadPipeline(file)
  if (topic !== undefined && !pipeline.topics.has(topic))
    throw usage(`${pipeline.name} has no topic '${topic}'.`, `It has: ${[...pipeline.topics.keys()].sort().join(', ')}.`)

  using interrupt = untilInterrupted()
  const { openEngine } = await import('../../runtime/engines.ts')
  const { topicSpecs } = await import('../../runtime/topics.ts')
  const { Importer } = await import('../../transfer/importer.ts')
  const warn = (text: string) => output.notice(text)
  const { engine } = await openEngine(config, pipeline.name, error => error && warn(error.message), warn)
  const rejections: (Spot & { readonly problem: string })[] = []
  const importer = new Importer({
    engine,
    pipeline,
    limits: config.limits,
    ...(topic === undefined ? {} : { topic }),
    derived: options.derived === true,
    rejected: (spot, problem) => {
      if (rejections.length < MOST_KEPT) rejections.push({ ...spot, problem })
      if (!output.json && importer.rejected <= MOST_SHOWN) output.notice(plain(`${spot.file}:${spot.at}: ${problem}`))
    },
  })
  const progress = new Progress('imported')
  let complete = false
  try {
    await engine.ensure(topicSpecs(pipeline))
    for (const input of inputs) {
      for await (const found of open(input, pipeline, topic)) {
        const before = importer.settled
        await importer.take(input.path, found)
        progress.moved(importer.settled - before)
        if (interrupt.signal.aborted) break
      }
      if (interrupt.signal.aborted) break
    }
    await importer.flush()
    complete = !interrupt.signal.aborted
  } finally {
    progress.end()
    // Also when it fails on the way: what was stored until then is part of the answer.
    if (complete || importer.settled > 0) {
      const { stored, duplicate, rejected } = importer
      output.answer(
        { complete, files: inputs.length, stored, duplicate, rejected, rejections },
        () => `stored ${grouped(stored)}, duplicate ${grouped(duplicate)}, rejected ${grouped(rejected)}`,
      )
    }
    await engine.close()
  }
  if (!complete) {
    output.notice('Interrupted before the end. Run it again for the rest: what is stored already is not stored twice.')
    process.exitCode = EXIT.interrupted
  } else if (importer.rejected > 0) process.exitCode = EXIT.partly
}

const MOST_SHOWN = 20
const MOST_KEPT = 100
