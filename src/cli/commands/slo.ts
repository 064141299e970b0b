import type { Command } from 'commander'
import type { HealthAnswer } from '../../console/api/health.ts'
import { optionsOf, outputOf, type Shared } from '../command.ts'
import { drawCanaries, drawSlos } from '../draw-slos.ts'
import { askHere } from '../operators.ts'

export function addSlo(program: Command): void {
  program
    .command('slo')
    .description('how the pipeline’s objectives stand, how fast their error budgets burn, and how canaries fare')
    .action((_options, command: Command) => slo(command))
}

async function slo(command: Command): Promise<void> {
  const options = optionsOf<Shared>(command)
  const output = outputOf(options)
  const { slos, canaries } = (await askHere(options, '/v1/health', 'objectives are measured by a running one')) as HealthAnswer // our own API
  output.answer({ slos, canaries }, () => [drawSlos(slos), drawCanaries(canaries)].filter(text => text !== '').join('\n\n'))
  if (!output.json && slos.length === 0) output.notice('The pipeline declares no objective: slo: { from, to, within, share }.')
}
