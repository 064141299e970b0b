import type { MillraceError } from '../../errors.ts'

/** Where a text was given: a flag of a command, or a parameter of a URL. */
export interface Asked {
  /** As it is spelt there: `--where`, `'where'`. */
  readonly name: string
  /** What is thrown where it makes no sense: USAGE, or QUERY_INVALID. */
  refuse(what: string, fix: string): MillraceError
}
