import { type DeadFilter, deadLetters } from '../../agents/letter-groups.ts'
import { type Pace, portions } from '../pace.ts'
import type { Progress } from '../transfer/progress.ts'
import type { Change, Desk } from './desk.ts'

/** Which letters: some by number, or all that are dead and match. */
export type Selection = { readonly letters: readonly number[] } | { readonly filter: DeadFilter }

export interface Changed {
  readonly changed: readonly number[]
  /** They were not `dead` any more. */
  readonly refused: readonly number[]
  /** Whether it came to the end, and was not interrupted. */
  readonly complete: boolean
}

/**
 * Replays or discards letters, the oldest first, a portion at a time. Each portion is recorded with its letters, so whatever ends this half way
 * leaves every letter as it says it is, and the same command does the rest.
 */
export async function changeLetters(desk: Desk, change: Change, selection: Selection, pace: Pace, progress: Progress): Promise<Changed> {
  const changed: number[] = []
  const refused: number[] = []
  for await (const page of numbersOf(desk, selection)) {
    for (const portion of portions(page, pace.portion)) {
      if (!(await pace.ready())) return { changed, refused, complete: false }
      pace.took(portion.length)
      const taken = new Set(await desk.change(change, portion))
      for (const letter of portion) (taken.has(letter) ? changed : refused).push(letter)
      progress.moved(taken.size)
    }
  }
  return { changed, refused, complete: true }
}

async function* numbersOf({ view }: Desk, selection: Selection): AsyncGenerator<readonly number[], void> {
  if ('letters' in selection) yield [...new Set(selection.letters)].sort((a, b) => a - b)
  else for await (const page of deadLetters(view.letters, selection.filter)) yield page.map(({ letter }) => letter)
}
