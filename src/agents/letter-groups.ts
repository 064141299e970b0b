import { setImmediate } from 'node:timers/promises'
import type { DeadLetters, LetterFilter, StoredLetter } from './dead-letter.ts'
import { fingerprintOf, messageShape } from './fingerprint.ts'

/** So many letters are looked at in one go. */
const PAGE = 500

/** Which dead letters are meant; those that are listed are `dead`. */
export type DeadFilter = Omit<LetterFilter, 'limit' | 'state' | 'after' | 'letters'> & {
  /** Only letters that failed in this way. */
  readonly fingerprint?: string
}

/** Letters that failed in the same way. */
export interface LetterGroup extends Pick<StoredLetter, 'agent' | 'error'> {
  readonly fingerprint: string
  /** The error's message without what differs from letter to letter. */
  readonly shape: string
  readonly count: number
  /** When the first and the last of them died. */
  readonly firstMs: number
  readonly lastMs: number
  /** The newest of them; `error` is its. */
  readonly example: number
}

/**
 * The letters that are dead and match, the oldest first, page after page. One that is replayed meanwhile and dies again does not come again: it
 * would go round for as long as its cause lasts.
 */
export async function* deadLetters(letters: Pick<DeadLetters, 'list'>, filter: DeadFilter): AsyncGenerator<readonly StoredLetter[], void> {
  const { fingerprint, ...rest } = filter
  for (let after = 0; ; ) {
    const page = await letters.list({ ...rest, state: 'dead', after, limit: PAGE })
    const last = page.at(-1)
    if (last === undefined) return
    after = last.letter
    const matching = fingerprint === undefined ? page : page.filter(letter => fingerprintOf(letter) === fingerprint)
    if (matching.length > 0) yield matching
    // Tens of thousands are a second of reading and hashing: whoever else has something to do in this thread comes between.
    await setImmediate()
  }
}

/** The dead letters by the way in which they failed, the most frequent first. */
export async function groupLetters(letters: Pick<DeadLetters, 'list'>, filter: DeadFilter): Promise<LetterGroup[]> {
  const groups = new Map<string, LetterGroup>()
  for await (const page of deadLetters(letters, filter)) {
    for (const letter of page) {
      const fingerprint = fingerprintOf(letter)
      groups.set(fingerprint, joined(groups.get(fingerprint), fingerprint, letter))
    }
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || b.lastMs - a.lastMs)
}

function joined(group: LetterGroup | undefined, fingerprint: string, { agent, error, letter, atMs }: StoredLetter): LetterGroup {
  const { firstMs, lastMs, count } = group ?? { firstMs: atMs, lastMs: atMs, count: 0 }
  return {
    fingerprint,
    agent,
    error,
    shape: group?.shape ?? messageShape(error.message),
    count: count + 1,
    firstMs: Math.min(firstMs, atMs),
    lastMs: Math.max(lastMs, atMs),
    example: letter,
  }
}
