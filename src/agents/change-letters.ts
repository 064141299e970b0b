import type { DeadLetters } from './dead-letter.ts'
import { type DeadFilter, deadLetters } from './letter-groups.ts'
import { type Pace, portions } from './pace.ts'

/** Which letters: some by number, or all that are dead and match. */
export type Selection = { readonly letters: readonly number[] } | { readonly filter: DeadFilter }

/** What became of a portion of them. */
export interface Portion {
  readonly changed: readonly number[]
  /** They were not `dead` any more. */
  readonly refused: readonly number[]
}

/**
 * Replays or discards letters, the oldest first, a portion at a time. Each portion is recorded with its letters, so whatever ends this half way
 * leaves every letter as it says it is, and the same again does the rest.
 * @param change one portion; it says which it took. @param done told of each portion.
 * @returns whether it came to the end, and was not interrupted. @throws what `change` throws
 */
export async function changeLetters(
  letters: Pick<DeadLetters, 'list'>,
  selection: Selection,
  pace: Pace,
  change: (letters: readonly number[]) => Promise<readonly number[]>,
  done: (portion: Portion) => void,
): Promise<boolean> {
  for await (const page of numbersOf(letters, selection)) {
    for (const portion of portions(page, pace.portion)) {
      if (!(await pace.ready())) return false
      pace.took(portion.length)
      const taken = new Set(await change(portion))
      done({ changed: portion.filter(letter => taken.has(letter)), refused: portion.filter(letter => !taken.has(letter)) })
    }
  }
  return true
}

async function* numbersOf(letters: Pick<DeadLetters, 'list'>, selection: Selection): AsyncGenerator<readonly number[], void> {
  if ('letters' in selection) yield [...new Set(selection.letters)].sort((a, b) => a - b)
  else for await (const page of deadLetters(letters, selection.filter)) yield page.map(({ letter }) => letter)
}
