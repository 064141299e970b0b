import type { Command } from 'commander'
import type { Canary, Slo } from '../../console/api/health.ts'
import { MillraceError } from '../../errors.ts'
import { optionsOf, outputOf, type Shared } from '../command.ts'
import { drawCanaries, drawSlos } from '../draw-slos.ts'
import { askOperators, operatorsOf } from '../operators.ts'
import { configOf } from '../view.ts'

/** `GET /v1/health`, as much of it as is drawn. */
interface Answer {
  readonly slos: readonly Slo[]
  readonly canaries: readonly Canary[]
}

export function addSlo(program: Command): void {
  program
    .command('slo')
    .description('how the pipeline’s objectives stand, how fast their error budgets burn, and how canaries fare')
    .action((_options, command: Command) => slo(command))
}

async function slo(command: Command): Promise<void> {
  const options = optionsOf<Shared>(command)
  const output = outputOf(options)
  const { data } = await configOf(options)
  const operators = operatorsOf(data)
  if (operators === undefined) {
    throw new MillraceError('SERVER_UNREACHABLE', `No process runs on ${data}: objectives are measured by a running one.`, {
      fix: 'Name the data directory of one that runs with --data, or ask its operators’ listener: GET /v1/health.',
    })
  }
  const { slos, canaries } = (await askOperators(operators, '/v1/health')) as Answer // our own API
  output.answer({ slos, canaries }, () => [drawSlos(slos), drawCanaries(canaries)].filter(text => text !== '').join('\n\n'))
  if (!output.json && slos.length === 0) output.notice('The pipeline declares no objective: slo: { from, to, within, share }.')
}
