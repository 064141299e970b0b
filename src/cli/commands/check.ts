import type { Command } from 'commander'
import { loadPipeline } from '../../runtime/load.ts'
import { optionsOf, outputOf } from '../command.ts'
import { EXIT } from '../exit.ts'
import { drawGraph, graphToJson } from '../graph.ts'
import { type TypeCheck, typeCheck } from '../typecheck.ts'

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('check a pipeline, graph and types, without running it')
    .argument('<file>', 'the file whose default export is the pipeline')
    .option('--no-types', 'the graph alone')
    .action((file: string, _options, command: Command) => check(file, command))
}

async function check(file: string, command: Command): Promise<void> {
  const options = optionsOf<{ types: boolean }>(command)
  const output = outputOf(options)
  const pipeline = await loadPipeline(file)
  const types: TypeCheck = options.types ? await typeCheck(file) : { state: 'skipped', reason: '--no-types' }
  output.answer({ ok: types.state !== 'failed', ...graphToJson(pipeline), types }, () => drawGraph(pipeline))
  if (!output.json) output.notice(wordsOf(types))
  if (types.state === 'failed') process.exitCode = EXIT.failed
}

function wordsOf(types: TypeCheck): string {
  if (types.state === 'passed') return `Types hold (TypeScript ${types.typescript}).`
  if (types.state === 'skipped') return `Types were not checked: ${types.reason}.`
  return `${types.output}\nTypes do not hold (TypeScript ${types.typescript}).`
}
