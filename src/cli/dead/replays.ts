import type { LetterReplay, LetterReplaysAnswer, TriedLetter } from '../../console/api/dead.ts'
import type { Shared } from '../command.ts'
import { askOperators, type Operators, runningOperators } from '../operators.ts'
import { paint, plain } from '../output.ts'
import { grouped, table } from '../table.ts'
import { configOf } from '../view.ts'

/** The replays of dead letters that the process here does by itself, as the console began them. */
export async function replaysHere(options: Shared): Promise<readonly LetterReplay[]> {
  // Our own API, here and below: docs/dead-letters.md.
  return ((await askOperators(await here(options), '/v1/dead/replays')) as LetterReplaysAnswer).replays
}

export async function cancelHere(options: Shared, replay: number): Promise<LetterReplay> {
  return (await askOperators(await here(options), `/v1/dead/replays/${replay}/cancel`, {})) as LetterReplay
}

/** Has the process here try a letter, or other data in its place. */
export async function tryHere(
  options: Shared,
  letter: number,
  edited: { data: Buffer; contentType: string | undefined } | undefined,
): Promise<TriedLetter> {
  const other = edited === undefined ? {} : { data: edited.data.toString('base64') }
  const type = edited?.contentType === undefined ? {} : { content_type: edited.contentType }
  return (await askOperators(await here(options), '/v1/dead/try', { letter, ...other, ...type })) as TriedLetter
}

async function here(options: Shared): Promise<Operators> {
  const { data } = await configOf(options)
  return runningOperators(data, '', 'Start one, or name the data directory of one that runs with --data.')
}

export function drawReplays(replays: readonly LetterReplay[]): string {
  if (replays.length === 0) return ''
  return table(
    ['REPLAY', 'STATE', 'REPLAYED', 'OF', 'REFUSED', 'RATE', 'BY', 'STARTED', 'WHAT'],
    replays.map(each => [
      ...[each.replay, each.state, each.replayed, each.total, each.refused],
      each.rate === null ? '' : `${each.rate}/s`,
      ...[plain(each.by), each.started, plain(each.reason === null ? each.what : `${each.what}: ${each.reason}`)],
    ]),
  )
}

export function drawTried({ agent, version, outcome, outputs = [], error = '', reason = '' }: TriedLetter): string {
  const name = `${agent}@${version}`
  if (outcome === 'untried') return `${name} cannot be tried here: ${plain(reason)}`
  if (outcome === 'failure') return `${name} ${paint('red', 'fails:')} ${plain(error)}`
  if (outputs.length === 0) return `${name} is done with it, without an output`
  return [`${name} makes of it`, ...outputs.map(({ to, json, data }) => `  → ${to}  ${plain(textOf(json, data))}`)].join('\n')
}

function textOf(json: unknown, data: string | undefined): string {
  return data === undefined ? JSON.stringify(json) : `${grouped(Buffer.from(data, 'base64').length)} bytes`
}
