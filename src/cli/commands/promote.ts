import type { Command } from 'commander'
import { agentOf } from '../../engine/engine.ts'
import { optionsOf, outputOf, usage } from '../command.ts'
import { confirmed } from '../confirmed.ts'
import { decideFor } from '../versions.ts'

export function addPromote(program: Command): void {
  program
    .command('promote')
    .description('let a shadow take over the place of the live version, and write to the live topics')
    .argument('<agent@version>', 'the shadow: forecast@2')
    .option('--replaces <version>', 'the version whose place it takes over, where several are live')
    .option('--yes', 'without asking')
    .action((agent: string, _options, command: Command) => promote(agent, command))
}

async function promote(agent: string, command: Command): Promise<void> {
  const options = optionsOf<{ replaces?: string; yes?: boolean }>(command)
  const output = outputOf(options)
  const replaces = options.replaces === undefined ? {} : { replaces: versionOf(options.replaces) }
  if (options.yes !== true)
    await confirmed(output, `${agent} takes over the live version's place, for good: the way back is a version after it.`, 'Promote it?')
  const { answer, atRest } = await decideFor(options, { kind: 'promote', agent, ...replaces })
  output.answer(answer, () => '')
  if (output.json) return
  const { name } = agentOf(agent)
  const old = `${name}@${answer.replaces}`
  output.notice(`${agent} takes over from ${old}${atRest ? ' when the pipeline is started' : ''}, which ends. Its shadow ends, too.`)
  output.notice(
    `In the pipeline file, at your leisure: in ${agent} replace 'shadow: true' by 'replaces: ${answer.replaces}', and drop ${old}.`,
  )
}

function versionOf(text: string): number {
  const version = Number(text)
  if (Number.isSafeInteger(version) && version >= 1) return version
  throw usage(`--replaces is ${JSON.stringify(text)}.`, 'It must be a version: a whole number from 1.')
}
