import type { Command } from 'commander'
import { type Comparison, compareVersions } from '../../compare/compare.ts'
import { comparisonToJson } from '../../compare/json.ts'
import { durationMs } from '../../duration.ts'
import { optionsOf, outputOf, usage } from '../command.ts'
import { paint, plain } from '../output.ts'
import { grouped, table } from '../table.ts'
import { withView } from '../view.ts'

export function addCompare(program: Command): void {
  program
    .command('compare')
    .description('how the outputs of two versions differ, datum by datum: a live one and its shadow, or two live ones')
    .argument('<agent@version>', 'forecast@1')
    .argument('<agent@version>', 'forecast@2')
    .option('--last <duration>', 'of data that came so long ago', '10m')
    .option('--limit <count>', 'of at most so many data, the latest')
    .option('--examples <count>', 'so many of the largest differences', '5')
    .action((one: string, other: string, _options, command: Command) => compare([one, other], command))
}

async function compare(agents: readonly [string, string], command: Command): Promise<void> {
  const options = optionsOf<{ last: string; limit?: string; examples: string }>(command)
  const output = outputOf(options)
  if (!/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(options.last))
    throw usage(`--last is ${JSON.stringify(options.last)}.`, 'It must be a length of time, such as 10m.')
  const sinceMs = Date.now() - durationMs(options.last, '--last')
  const most = options.limit === undefined ? {} : { most: countOf(options.limit, '--limit', 1) }
  const examples = countOf(options.examples, '--examples', 0)
  const found = await withView(options, view => compareVersions(view, agents, { sinceMs, ...most, examples }))
  output.answer(comparisonToJson(found), () => draw(found))
  if (output.json) return
  if (found.handled === 0) output.notice(`No datum of the last ${options.last} was handled by both.`)
  else if (found.compared < found.handled)
    output.notice(`A sample: ${grouped(found.compared)} of ${grouped(found.handled)} data that both have handled.`)
  else output.notice(`Of ${grouped(found.handled)} data that both have handled.`)
}

function draw({ sides, topics }: Comparison): string {
  const [one, other] = sides.map(({ agent, isShadow }) => (isShadow ? `${agent} (shadow)` : agent)) as [string, string] // map keeps the length
  return topics
    .map(({ topic, pairs, equal, only, unknown, fields, examples }) =>
      [
        paint('bold', topic),
        `  ${grouped(pairs)} pairs, ${percent(equal, pairs)} equal; only ${one}: ${grouped(only[0])}, only ${other}: ${grouped(only[1])}${unknown === 0 ? '' : `; not paired: ${grouped(unknown)}`}`,
        ...(fields.length === 0 ? [] : [indented(fieldTable(fields))]),
        ...examples.flatMap(({ dataId, values: [a, b] }) => [`  ${dataId}`, `    ${one}  ${shown(a)}`, `    ${other}  ${shown(b)}`]),
      ].join('\n'),
    )
    .join('\n\n')
}

function fieldTable(fields: Comparison['topics'][number]['fields']): string {
  return table(
    ['FIELD', 'NUMBERS', 'OFF BY', 'AT MOST', 'BIAS', 'DIFFERENT'],
    fields.map(({ field, numbers, mean, max, bias, different }) => [
      field === '' ? '(all)' : plain(field),
      numbers,
      numberText(mean, numbers),
      numberText(max, numbers),
      numberText(bias, numbers),
      different,
    ]),
  )
}

function numberText(value: number, of: number): string {
  return of === 0 ? '' : String(Number(value.toPrecision(4)))
}

const MAX_SHOWN = 200

function shown(value: unknown): string {
  const text = plain(JSON.stringify(value) ?? 'nothing')
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}

function percent(part: number, of: number): string {
  if (of === 0) return '0 %'
  const share = (part / of) * 100
  // 99.99 % equal is not equal.
  return `${part < of ? Math.min(share, 99.99).toFixed(2) : '100'} %`
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}

function countOf(text: string, flag: string, least: number): number {
  const count = Number(text)
  if (Number.isSafeInteger(count) && count >= least) return count
  throw usage(`${flag} is ${JSON.stringify(text)}.`, `It must be a whole number from ${least}.`)
}
