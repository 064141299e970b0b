import type { Command } from 'commander'
import { LETTER_STATES, type LetterState } from '../../agents/dead-letter.ts'
import type { DeadFilter } from '../../agents/letter-groups.ts'
import { isDataId } from '../../envelope/data-id.ts'
import { MillraceError } from '../../errors.ts'
import { type Shared, usage } from '../command.ts'

export interface FilterOptions extends Shared {
  readonly agent?: string
  readonly topic?: string
  readonly matching?: string
  readonly id?: string
  readonly group?: string
}

export function filterFlags(command: Command): Command {
  return command
    .option('--agent <name>', 'of this agent: forecast, or forecast@2')
    .option('--topic <name>', 'of this topic')
    .option('--matching <text>', 'whose reason contains this text')
    .option('--id <data_id>', 'of this datum')
    .option('--group <fingerprint>', 'that failed in this way: millrace dead groups')
}

export function filterOf(options: FilterOptions): DeadFilter {
  const [agent, version] = options.agent?.split('@') ?? []
  if (options.id !== undefined && !isDataId(options.id))
    throw usage(`--id ${JSON.stringify(options.id)} is not a data_id, which is a UUID.`, 'millrace dead list shows them.')
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(version === undefined ? {} : { version: numberOf(version, 'The version in --agent') }),
    ...(options.topic === undefined ? {} : { topic: options.topic }),
    ...(options.matching === undefined ? {} : { matching: options.matching }),
    ...(options.id === undefined ? {} : { dataId: options.id }),
    ...(options.group === undefined ? {} : { fingerprint: options.group }),
  }
}

/** Undefined: any. */
export function stateOf(text: string): LetterState | undefined {
  if (text === 'any') return undefined
  const state = LETTER_STATES.find(candidate => candidate === text)
  if (state !== undefined) return state
  throw usage(`--state is ${JSON.stringify(text)}.`, `It must be ${LETTER_STATES.join(', ')} or any.`)
}

export function numberOf(text: string, what: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1) throw usage(`${what} is ${JSON.stringify(text)}.`, 'It must be a whole number from 1.')
  return number
}

export function unknownLetters(what: string, fix = 'millrace dead list --state any shows them all.'): MillraceError {
  return new MillraceError('LETTER_UNKNOWN', what, { fix })
}
