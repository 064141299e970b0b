import { MillraceError } from '../../../errors.ts'
import type { Session } from './session.ts'
import type { Staging } from './statements.ts'

export interface Refused {
  readonly offset: number
  readonly reason: string
}

interface Offsets {
  readonly first: number
  readonly end: number
}

/**
 * The most statements to find them with, all in one transaction: enough for every row of a roll of 25,000. A larger roll that takes more is not one with
 * bad rows in it but a table that does not fit the data, and millions of dead letters would not mend that.
 */
const MOST_ATTEMPTS = 50_000

/**
 * Inserts what is staged of a roll. Rows that the table refuses (a constraint or a trigger of its owner's) must not hold up the others for
 * ever: they are found by halving, in at most about two statements a row of the roll, and few where few are refused.
 * @param offsets of the roll. @returns the rows refused, in order. @throws STORE_UNAVAILABLE, nothing being stored, where {@link MOST_ATTEMPTS} do not find them.
 */
export async function insertStaged(session: Session, staging: Staging, offsets: Offsets): Promise<Refused[]> {
  const error = await session.attempt(staging.insert())
  if (error === undefined) return []
  const refused: Refused[] = []
  let attempts = 0
  await session.run(staging.index)
  await halve(offsets, error)
  await session.run(staging.dropIndex)
  return refused

  async function halve({ first, end }: Offsets, why: Error): Promise<void> {
    if (end - first === 1) {
      refused.push({ offset: first, reason: `PostgreSQL refuses it: ${why.message}` })
      return
    }
    const middle = first + Math.floor((end - first) / 2)
    for (const half of [
      { first, end: middle },
      { first: middle, end },
    ]) {
      if (attempts++ === MOST_ATTEMPTS) throw tooMany(refused, offsets, why)
      const failed = await session.attempt(staging.insert(half))
      if (failed !== undefined) await halve(half, failed)
    }
  }
}

function tooMany(refused: readonly Refused[], { first, end }: Offsets, why: Error): MillraceError {
  const found = `${refused.length.toLocaleString('en')} rows of the roll at offset ${first} (${(end - first).toLocaleString('en')} data)`
  return new MillraceError('STORE_UNAVAILABLE', `PostgreSQL refuses ${found}, and more: ${why.message}.`, {
    fix: 'Change or drop the constraint or the trigger that refuses them, or mend what sends them; with a smaller roll.records each of a later roll is found.',
    cause: why,
  })
}
