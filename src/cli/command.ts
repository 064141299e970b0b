import type { Command } from 'commander'
import type { Asked } from '../console/tap/asked.ts'
import { MillraceError } from '../errors.ts'
import { Output } from './output.ts'

/** What every command takes. */
export interface Shared {
  /** As written; src/runtime/config.ts fills in the environment, millrace.config.ts and the default. */
  readonly data?: string
  readonly stream?: string
  readonly trace?: string
  readonly pipeline?: string
  readonly json?: boolean
  readonly debug?: boolean
}

/** The options of a command and those that all share. */
export function optionsOf<Own extends object>(command: Command): Own & Shared {
  // Commander types options by a string index; each command's own interface lists what it has declared.
  return command.optsWithGlobals() as Own & Shared
}

export function outputOf(options: Shared): Output {
  return new Output(options.json === true)
}

export function usage(what: string, fix: string): MillraceError {
  return new MillraceError('USAGE', what, { fix })
}

/** A flag whose text is read by what the operators' API reads its parameters with, too. */
export function flag(name: string): Asked {
  return { name, refuse: usage }
}

/** Gathers an option that may be repeated. */
export function repeated(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}
