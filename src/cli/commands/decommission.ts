import type { Command } from 'commander'
import { optionsOf, outputOf, usage } from '../command.ts'
import { confirmed } from '../confirmed.ts'
import { decideFor } from '../versions.ts'

interface Options {
  readonly now?: boolean
  readonly undo?: boolean
  readonly yes?: boolean
}

export function addDecommission(program: Command): void {
  program
    .command('decommission')
    .description('end an agent: it handles what was accepted until now, then it stops; its place is kept and alarms nobody')
    .argument('<agent@version>', 'forecast@1')
    .option('--now', 'stop it with what it has in hand')
    .option('--undo', 'let it go on from its place')
    .option('--yes', 'without asking')
    .action((agent: string, _options, command: Command) => decommission(agent, command))
}

async function decommission(agent: string, command: Command): Promise<void> {
  const options = optionsOf<Options>(command)
  const output = outputOf(options)
  const { now = false, undo = false } = options
  if (now && undo) throw usage('--now and --undo exclude each other.', 'Say one of them.')
  if (options.yes !== true && !undo)
    await confirmed(output, `Data that come ${now ? 'from now on' : 'later'} are not handled by ${agent}.`, 'Decommission it?')
  const { answer, atRest } = await decideFor(options, undo ? { kind: 'recommission', agent } : { kind: 'decommission', agent, now })
  output.answer(answer, () => '')
  if (output.json) return
  const when = atRest ? ' when the pipeline is started' : ''
  if (undo) output.notice(`${agent} goes on from its place${when}.`)
  else if (answer.drains === true)
    output.notice(`${agent} handles what was accepted until now${when}, then it ends. millrace agents shows when.`)
  else output.notice(`${agent} ends${when}.`)
  if (!undo) output.notice('Its place is kept: millrace decommission --undo lets it go on.')
}
