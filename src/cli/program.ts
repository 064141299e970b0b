import { Command, CommanderError } from 'commander'
import { packageVersion } from '../runtime/package-version.ts'
import { usage } from './command.ts'
import { addAdvise } from './commands/advise.ts'
import { addAgents } from './commands/agents.ts'
import { addAudit } from './commands/audit.ts'
import { addCheck } from './commands/check.ts'
import { addCompare } from './commands/compare.ts'
import { addConsole } from './commands/console.ts'
import { addDead } from './commands/dead.ts'
import { addDecommission } from './commands/decommission.ts'
import { addDev } from './commands/dev.ts'
import { addExport } from './commands/export.ts'
import { addFind } from './commands/find.ts'
import { addImport } from './commands/import.ts'
import { addKeys } from './commands/keys.ts'
import { addLedger } from './commands/ledger.ts'
import { addMove } from './commands/move.ts'
import { addPause } from './commands/pause.ts'
import { addProducers } from './commands/producers.ts'
import { addPromote } from './commands/promote.ts'
import { addRamp } from './commands/ramp.ts'
import { addReplay } from './commands/replay.ts'
import { addSend } from './commands/send.ts'
import { addSlo } from './commands/slo.ts'
import { addStart } from './commands/start.ts'
import { addTap } from './commands/tap.ts'
import { addTop } from './commands/top.ts'
import { addTopics } from './commands/topics.ts'
import { addTrace } from './commands/trace.ts'
import { EXIT } from './exit.ts'

/** The command line: one file a command, joined here. */
export function buildProgram(): Command {
  const program = new Command('millrace')
    .description(
      'The six-part data architecture, on one machine or many: front end, stream, agents, storage agents, trace and instrumentation.',
    )
    .version(packageVersion(), '-v, --version')
    .option('--data <directory>', 'the data directory (default: ./.millrace, or MILLRACE_DATA)')
    .option('--stream <url>', 'the stream that processes share: kafka://host:9092 (or MILLRACE_STREAM)')
    .option('--trace <url>', 'the trace that processes share: redis://host:6379 (or MILLRACE_TRACE)')
    .option('--pipeline <name>', 'whose stream and trace to look at, where several pipelines share them')
    .option('--json', 'answer in JSON: one document, or one a line where data stream')
    .option('--debug', 'say where in the code an error arose')
    .configureHelp({ showGlobalOptions: true })
    // Errors are thrown to main(), which words all of them the same way.
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError()
  for (const add of [
    addDev,
    addStart,
    addCheck,
    addSend,
    addTap,
    addFind,
    addTrace,
    addLedger,
    addTop,
    addTopics,
    addAgents,
    addAdvise,
    addSlo,
    addDead,
    addReplay,
    addCompare,
    addPromote,
    addRamp,
    addDecommission,
    addPause,
    addProducers,
    addKeys,
    addConsole,
    addAudit,
    addExport,
    addImport,
    addMove,
  ])
    add(program)
  program.addHelpText(
    'after',
    `
Exit codes: 0 done, 1 failed, 2 used wrongly, 3 not there, 4 some data refused, 5 cannot be reached or held by another process.`,
  )
  overrideExits(program)
  return program
}

/** Help and version: they have been printed, and only the exit code is left. */
export function isShown(error: unknown): error is CommanderError {
  return error instanceof CommanderError
}

function overrideExits(command: Command): void {
  command.exitOverride(error => {
    if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') throw error
    if (error.code === 'commander.help') throw new CommanderError(EXIT.usage, error.code, error.message)
    throw usage(worded(error.message), `See: ${pathOf(command)} --help`)
  })
  for (const child of command.commands) overrideExits(child)
}

/** "error: unknown option '--lmit'\n(Did you mean --limit?)" as sentences. */
function worded(message: string): string {
  const [first = '', hint] = message.replace(/^error: /, '').split('\n')
  const sentence = `${first.charAt(0).toUpperCase()}${first.slice(1)}`.replace(/\.?$/, '.')
  return hint === undefined || hint === '' ? sentence : `${sentence} ${hint.replace(/^\(|\)$/g, '')}`
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}
