import type { Command } from 'commander'
import { runFlags, runLazily } from '../run-flags.ts'

export function addDev(program: Command): void {
  runFlags(program.command('dev').description('run a pipeline on this machine and reload it when its files change')).action(
    (file: string, _options, command: Command) => runLazily(file, true, command),
  )
}
