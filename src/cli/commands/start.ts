import type { Command } from 'commander'
import { runFlags, runLazily } from '../run-flags.ts'

export function addStart(program: Command): void {
  runFlags(program.command('start').description('run a pipeline')).action((file: string, _options, command: Command) =>
    runLazily(file, false, command),
  )
}
