import { MillraceError } from '../../errors.ts'

/** What a topic needs of its table and is not there, or what is there and it cannot have. */
export interface Difference {
  readonly what: string
  /** The SQL that mends it. */
  readonly mend: string
}

/** @throws TABLE_MISMATCH naming every difference and what mends them, once each; nothing where there is none. */
export function checkDifferences(
  { sql, topic }: { readonly sql: string; readonly topic: string },
  differences: readonly Difference[],
): void {
  if (differences.length === 0) return
  throw new MillraceError(
    'TABLE_MISMATCH',
    `The table ${sql} does not fit the topic '${topic}': ${differences.map(({ what }) => what).join('; ')}.`,
    { fix: `Mend it with: ${[...new Set(differences.map(({ mend }) => mend))].join(' ')}` },
  )
}
