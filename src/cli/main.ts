import { loadedUserFiles } from '../runtime/generations.ts'
import { EXIT, exitCodeOf } from './exit.ts'
import { endWithPipe, written } from './output.ts'
import { buildProgram, isShown } from './program.ts'
import { report } from './report.ts'

/** Runs one command and sets the process's exit code; never rejects. @param args without node and the script. */
export async function main(args: readonly string[]): Promise<void> {
  endWithPipe()
  try {
    await buildProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    if (isShown(error)) process.exitCode = error.exitCode
    else {
      // Read from the arguments: what could not be parsed has no options yet.
      report(error, { json: args.includes('--json'), debug: args.includes('--debug') })
      process.exitCode = exitCodeOf(error) || EXIT.failed
    }
  }
  // A timer or a socket that a user's module left open would keep the process there after its command has ended.
  if (loadedUserFiles().length > 0) {
    await written()
    process.exit()
  }
}

if (import.meta.main) await main(process.argv.slice(2))
