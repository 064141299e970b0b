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
 * Inserts what is staged of a roll. Rows that the table refuses (a constraint or a trigger of its owner's) must not hold up the others for
 * ever: they are found by halving, in at most about two statements a row of the roll, and few where few are refused.
 * @param offsets of the roll. @returns the rows refused, in order.
 */
export async function insertStaged(session: Session, staging: Staging, offsets: Offsets): Promise<Refused[]> {
  const error = await session.attempt(staging.insert())
  if (error === undefined) return []
  const refused: Refused[] = []
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
      const failed = await session.attempt(staging.insert(half))
      if (failed !== undefined) await halve(half, failed)
    }
  }
}
