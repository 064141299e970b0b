import type { DeadLetter, LetterFilter, StoredLetter } from '../../agents/dead-letter.ts'
import { isReplayTopic } from '../../agents/dead-letter.ts'
import type { DataId } from '../../envelope/data-id.ts'
import type { AgentVersion } from '../../trace/trace.ts'

/** What happens to dead letters, as it is written to the stream. */
export type LetterEvent =
  /**
   * `type` is the topic that the datum was first in, `letter.topic` where it died: there, or in a replay topic. `line`: versions whose
   * place the agent has, and with it their letters. `frame` in base64. `stands`: it was buried elsewhere and has come here as it stood.
   */
  | {
      readonly kind: 'dead'
      readonly letter: Omit<DeadLetter, 'frame'>
      readonly type: string
      readonly line: readonly number[]
      readonly frame: string
      readonly stands?: Pick<StoredLetter, 'state' | 'replays' | 'replayedMs'>
    }
  | { readonly kind: 'done'; readonly agent: AgentVersion; readonly line: readonly number[]; readonly dataIds: readonly DataId[] }
  | { readonly kind: 'replayed'; readonly letters: readonly number[]; readonly by: string; readonly atMs: number }
  | { readonly kind: 'discarded'; readonly letters: readonly number[]; readonly by: string; readonly atMs: number }

/**
 * The dead letters as a fold over their events, in the order of the log: every reader sees the same letters under the same numbers. A letter
 * is a datum of an agent; that it died again before anybody replayed it is the same statement, late or twice.
 *
 * `dead` → `replayed` → `done`, or `dead` again; `dead` or `replayed` → `discarded`.
 */
export class LetterFold {
  readonly #letters = new Map<number, StoredLetter>()
  /** By agent and datum: a letter for each topic that it was first in. */
  readonly #byDatum = new Map<string, { readonly letter: number; readonly type: string }[]>()

  /** @param offset of the event; a new letter's number is one more. */
  apply(event: LetterEvent, offset: number): void {
    switch (event.kind) {
      case 'dead':
        this.#died(event, offset + 1)
        break
      case 'done':
        for (const dataId of event.dataIds) this.#finished(event, dataId)
        break
      case 'replayed':
        for (const letter of event.letters) this.#replayed(letter, event.atMs)
        break
      case 'discarded':
        for (const letter of event.letters) this.#set(letter, ['dead', 'replayed'], { state: 'discarded' })
        break
    }
  }

  get(letter: number): StoredLetter | undefined {
    return this.#letters.get(letter)
  }

  /** The newest first. */
  list(filter: LetterFilter): StoredLetter[] {
    const numbers = filter.letters === undefined ? undefined : new Set(filter.letters)
    const found: StoredLetter[] = []
    for (const letter of [...this.#letters.values()].reverse()) {
      if (found.length >= filter.limit) break
      if (matches(letter, filter) && (numbers === undefined || numbers.has(letter.letter))) found.push(letter)
    }
    return found
  }

  #died({ letter, type, line, stands }: Extract<LetterEvent, { kind: 'dead' }>, number: number): void {
    const known = this.#of(letter.agent, line, letter.dataId).find(entry => entry.type === type)
    if (known === undefined) {
      this.#letters.set(number, { ...letter, letter: number, state: 'dead', replays: 0, ...stands })
      const key = keyOf(letter.agent, letter.dataId)
      this.#byDatum.set(key, [...(this.#byDatum.get(key) ?? []), { letter: number, type }])
    } else if (isReplayTopic(letter.topic)) {
      const { error, attempts, atMs } = letter
      this.#set(known.letter, ['replayed'], { state: 'dead', error, attempts, atMs })
    }
  }

  #finished({ agent, line }: Extract<LetterEvent, { kind: 'done' }>, dataId: DataId): void {
    for (const { letter } of this.#of(agent, line, dataId)) this.#set(letter, ['dead', 'replayed'], { state: 'done' })
  }

  #of(agent: AgentVersion, line: readonly number[], dataId: DataId) {
    return [agent.version, ...line].flatMap(version => this.#byDatum.get(keyOf({ name: agent.name, version }, dataId)) ?? [])
  }

  #replayed(letter: number, atMs: number): void {
    const replays = (this.#letters.get(letter)?.replays ?? 0) + 1
    this.#set(letter, ['dead'], { state: 'replayed', replays, replayedMs: atMs })
  }

  #set(letter: number, from: readonly StoredLetter['state'][], to: Partial<StoredLetter>): void {
    const known = this.#letters.get(letter)
    if (known !== undefined && from.includes(known.state)) this.#letters.set(letter, { ...known, ...to })
  }
}

function keyOf(agent: AgentVersion, dataId: DataId): string {
  return `${agent.name}@${agent.version}/${dataId}`
}

function matches(letter: StoredLetter, filter: LetterFilter): boolean {
  const { code, name, message } = letter.error
  return (
    (filter.agent === undefined || letter.agent.name === filter.agent) &&
    (filter.version === undefined || letter.agent.version === filter.version) &&
    (filter.topic === undefined || letter.topic === filter.topic) &&
    (filter.state === undefined || letter.state === filter.state) &&
    (filter.dataId === undefined || letter.dataId === filter.dataId) &&
    (filter.matching === undefined || `${code === undefined ? '' : `${code} `}${name}: ${message}`.includes(filter.matching))
  )
}
