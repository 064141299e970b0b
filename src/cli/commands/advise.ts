import type { Command } from 'commander'
import { MillraceError } from '../../errors.ts'
import { optionsOf, outputOf, type Shared } from '../command.ts'
import { askOperators, operatorsOf } from '../operators.ts'
import { configOf } from '../view.ts'

/** `GET /v1/advice`, as much of it as is drawn: docs/instrumentation.md. */
interface Answer {
  readonly advice: readonly {
    readonly words: string
    readonly arithmetic: string
    readonly steps: readonly string[]
    readonly manifest?: string
  }[]
  readonly followed: readonly { readonly words: string }[]
}

export function addAdvise(program: Command): void {
  program
    .command('advise')
    .description('what to scale, with the arithmetic, and whether what was done helped')
    .option('--manifest', 'values of the Helm chart that do the same on Kubernetes, as YAML')
    .action((_options, command: Command) => advise(command))
}

async function advise(command: Command): Promise<void> {
  const options = optionsOf<Shared & { readonly manifest?: boolean }>(command)
  const output = outputOf(options)
  const { data } = await configOf(options)
  const operators = operatorsOf(data)
  if (operators === undefined) {
    throw new MillraceError('SERVER_UNREACHABLE', `No process runs on ${data}: advice is made from what a running one measures.`, {
      fix: 'Name the data directory of one that runs with --data, or ask its operators’ listener: GET /v1/advice.',
    })
  }
  const answer = (await askOperators(operators, '/v1/advice')) as Answer // our own API
  const manifests = answer.advice.flatMap(({ manifest }) => (manifest === undefined ? [] : [manifest.trimEnd()]))
  output.answer(answer, () => (options.manifest === true ? manifests.join('\n---\n') : draw(answer)))
  if (output.json) return
  if (answer.advice.length === 0) output.notice('Nothing is to be scaled.')
  else if (options.manifest === true && manifests.length === 0)
    output.notice('None of the advice is a matter of Kubernetes: millrace advise')
}

function draw({ advice, followed }: Answer): string {
  const blocks = advice.map(({ words, arithmetic, steps }) =>
    [words, ...(arithmetic === '' ? [] : [`  because  ${arithmetic}`]), ...steps.map(step => `  do       ${step}`)].join('\n'),
  )
  return [...blocks, ...followed.map(({ words }) => words)].join('\n')
}
