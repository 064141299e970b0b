import type { Command } from 'commander'
import { optionsOf, outputOf } from '../command.ts'
import { decideFor } from '../versions.ts'

export function addPause(program: Command): void {
  program
    .command('pause')
    .description('let an agent finish what it has in hand and take nothing more, in every process, until it is resumed')
    .argument('<agent@version>', 'forecast@2')
    .action((agent: string, _options, command: Command) => decided('pause', agent, command))
  program
    .command('resume')
    .description('let a paused agent go on from its place')
    .argument('<agent@version>', 'forecast@2')
    .action((agent: string, _options, command: Command) => decided('resume', agent, command))
}

async function decided(kind: 'pause' | 'resume', agent: string, command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const { answer, atRest } = await decideFor(options, { kind, agent })
  output.answer(answer, () => '')
  if (output.json) return
  const when = atRest ? ' when the pipeline is started' : ''
  if (kind === 'resume') output.notice(`${agent} goes on from its place${when}.`)
  else
    output.notice(
      `${agent} is paused${when}: what comes waits for it, as long as its topics keep it. millrace resume ${agent} lets it go on.`,
    )
}
