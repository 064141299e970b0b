import type { Command } from 'commander'
import { optionsOf, outputOf, usage } from '../command.ts'
import { decideFor } from '../versions.ts'

export function addRamp(program: Command): void {
  program
    .command('ramp')
    .description('change the share of the keys that a version gets of the one that it is to replace')
    .argument('<agent@version>', 'the version that comes: forecast@2')
    .argument('<share>', 'from 0 to 1: 0.5')
    .action((agent: string, share: string, _options, command: Command) => ramp(agent, share, command))
}

async function ramp(agent: string, text: string, command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const share = Number(text)
  if (text.trim() === '' || !(share >= 0 && share <= 1))
    throw usage(`The share is ${JSON.stringify(text)}.`, 'It must be a number from 0 to 1.')
  const { answer, atRest } = await decideFor(options, { kind: 'ramp', agent, share })
  output.answer(answer, () => '')
  if (output.json) return
  output.notice(
    `${agent} gets ${Math.round(share * 100_000) / 1_000} % of the keys${atRest ? ' when the pipeline is started' : ''}, where it is declared with a ramp, whatever share the file says.`,
  )
  if (share === 1) output.notice('To end the version that it replaces, drop that and the ramp from the pipeline file.')
}
