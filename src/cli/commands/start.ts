import type { Command } from 'commander'
import { run, runFlags } from '../running.ts'

export function addStart(program: Command): void {
  runFlags(program.command('start').description('run a pipeline')).action((file: string, _options, command: Command) =>
    run(file, false, command),
  )
}
