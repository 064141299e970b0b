import type { Command } from 'commander'
import type { AdviceAnswer } from '../../console/api/advice.ts'
import { optionsOf, outputOf, type Shared } from '../command.ts'
import { askHere } from '../operators.ts'

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
  const answer = (await askHere(options, '/v1/advice', 'advice is made from what a running one measures')) as AdviceAnswer // our own API
  const manifests = answer.advice.flatMap(({ manifest }) => (manifest === undefined ? [] : [manifest.trimEnd()]))
  output.answer(answer, () => (options.manifest === true ? manifests.join('\n---\n') : draw(answer)))
  if (output.json) return
  if (answer.advice.length === 0) output.notice('Nothing is to be scaled.')
  else if (options.manifest === true && manifests.length === 0)
    output.notice('None of the advice is a matter of Kubernetes: millrace advise')
}

function draw({ advice, followed }: AdviceAnswer): string {
  const blocks = advice.map(({ words, arithmetic, steps }) =>
    [words, ...(arithmetic === '' ? [] : [`  because  ${arithmetic}`]), ...steps.map(step => `  do       ${step}`)].join('\n'),
  )
  return [...blocks, ...followed.map(({ words }) => words)].join('\n')
}
