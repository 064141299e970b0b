import { changeLetters, type Selection } from '../../agents/change-letters.ts'
import type { Pace } from '../../agents/pace.ts'
import type { Progress } from '../transfer/progress.ts'
import type { Change, Desk } from './desk.ts'

export interface Changed {
  readonly changed: readonly number[]
  /** They were not `dead` any more. */
  readonly refused: readonly number[]
  /** Whether it came to the end, and was not interrupted. */
  readonly complete: boolean
}

/** Replays or discards letters, and shows how far it is. */
export async function changeShown(desk: Desk, what: Change, selection: Selection, pace: Pace, progress: Progress): Promise<Changed> {
  const changed: number[] = []
  const refused: number[] = []
  const change = (letters: readonly number[]) => desk.change(what, letters)
  const complete = await changeLetters(desk.view.letters, selection, pace, change, portion => {
    changed.push(...portion.changed)
    refused.push(...portion.refused)
    progress.moved(portion.changed.length)
  })
  return { changed, refused, complete }
}
