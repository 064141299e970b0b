import { setImmediate } from 'node:timers/promises'
import type { DeadLetters, LetterFilter, StoredLetter } from './dead-letter.ts'
import { fingerprintOf, messageShape } from './fingerprint.ts'

/** So many letters are looked at in one go. */
const PAGE = 500

/** Which dead letters are meant; those that are listed are `dead`. */
export type DeadFilter = Omit<LetterFilter, 'limit' | 'state' | 'after' | 'letters'> & {
  /** Only letters that failed in this way. */
  readonly fingerprint?: string
  /** Only letters up to this number; left out: up to the newest that is dead as one begins. */
  readonly newest?: number
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
 * The letters that are dead and match, the oldest first, page after page. One that is replayed meanwhile and dies again does not come again, and
 * neither does what dies meanwhile: either would go on for as long as its cause lasts.
 */
export async function* deadLetters(letters: Pick<DeadLetters, 'list'>, filter: DeadFilter): AsyncGenerator<readonly StoredLetter[], void> {
  const { fingerprint, newest = await newestDead(letters, filter), ...rest } = filter
  for (let after = 0; after < newest; ) {
    const page = await letters.list({ ...rest, state: 'dead', after, limit: PAGE })
    const last = page.at(-1)
    if (last === undefined) return
    after = last.letter
    const matching = page.filter(letter => letter.letter <= newest && (fingerprint === undefined || fingerprintOf(letter) === fingerprint))
    if (matching.length > 0) yield matching
    // Tens of thousands are a second of reading and hashing: whoever else has something to do in this thread comes between.
    await setImmediate()
  }
}

/** The number of the newest letter that is dead now and may match; 0 where there is none. */
export async function newestDead(letters: Pick<DeadLetters, 'list'>, filter: DeadFilter): Promise<number> {
  const { fingerprint: _fingerprint, newest: _newest, ...rest } = filter
  const [letter] = await letters.list({ ...rest, state: 'dead', limit: 1 })
  return letter?.letter ?? 0
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
