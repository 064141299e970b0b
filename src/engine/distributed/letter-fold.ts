import {
  type DeadLetter,
  isReplayTopic,
  type LetterCount,
  type LetterFilter,
  type LetterState,
  type StoredLetter,
} from '../../agents/dead-letter.ts'
import type { DataId } from '../../envelope/data-id.ts'
import type { AgentVersion } from '../../trace/trace.ts'

/** What happens to dead letters, as it is written to the stream. */
export type LetterEvent =
  /**
   * `type` is the topic that the datum was first in, `letter.topic` where it died: there, or in a replay topic. `line`: versions whose
   * place the agent has, and with it their letters. `frame` in base64, empty where the letter has expired. `stands`: it was buried elsewhere and
   * has come here as it stood; `edited`: with its datum as it was changed there, in base64.
   */
  | {
      readonly kind: 'dead'
      readonly letter: Omit<DeadLetter, 'frame'>
      readonly type: string
      readonly line: readonly number[]
      readonly frame: string
      readonly stands?: Pick<StoredLetter, 'state' | 'replays' | 'replayedMs' | 'edited'>
      readonly edited?: string
    }
  | { readonly kind: 'done'; readonly agent: AgentVersion; readonly line: readonly number[]; readonly dataIds: readonly DataId[] }
  /** Their data are about to be put again as they are here: an edit that comes behind would not be what the agent gets. */
  | { readonly kind: 'replaying'; readonly letters: readonly number[]; readonly by: string; readonly atMs: number }
  /** Each with where its datum was put: the agent may have handled it before this is written. `begun`: offset of its `replaying`. */
  | {
      readonly kind: 'replayed'
      readonly letters: readonly Replayed[]
      readonly begun: number
      readonly by: string
      readonly atMs: number
    }
  | { readonly kind: 'discarded'; readonly letters: readonly number[]; readonly by: string; readonly atMs: number }
  /** `frame` in base64. */
  | { readonly kind: 'edited'; readonly letter: number; readonly frame: string; readonly by: string; readonly atMs: number }
  | { readonly kind: 'expired'; readonly letters: readonly number[]; readonly diedBeforeMs: number; readonly atMs: number }

/** A letter's datum in a replay topic. */
export interface Replayed {
  readonly letter: number
  readonly topic: string
  readonly offset: number
}

/** A place in a replay topic, of which there is one partition. */
type At = Pick<Replayed, 'topic' | 'offset'>

interface Held {
  readonly stored: StoredLetter
  /** Where it was replayed last. */
  readonly replayed?: At
  /** Where in a replay topic it died last. */
  readonly died?: At
  /** Offset of the event that holds its datum as it was edited last. */
  readonly editedAt?: number
  /** Replays that have begun to put its datum again, by the offsets of their events, until it is known where they put it or what came of it. */
  readonly replaying?: readonly number[]
  /** Offset of the event that it was discarded, has expired or is done by. */
  readonly closedAt?: number
}

/**
 * The dead letters as a fold over their events, in the order of the log: every reader sees the same letters under the same numbers. A letter
 * is a datum of an agent; that it died again before anybody replayed it is the same statement, late or twice.
 *
 * `dead` → `replayed` → `done`, or `dead` again; `dead` or `replayed` → `discarded`; `dead` → `expired`. One that is `dead` and being replayed is not
 * edited. `#set` is the only setter.
 */
export class LetterFold {
  readonly #letters = new Map<number, Held>()
  /** By agent and datum: a letter for each topic that it was first in. */
  readonly #byDatum = new Map<string, { readonly letter: number; readonly type: string }[]>()
  readonly #waiting = new Set<number>()

  /** @param offset of the event; a new letter's number is one more. */
  apply(event: LetterEvent, offset: number): void {
    switch (event.kind) {
      case 'dead':
        this.#died(event, offset + 1)
        break
      case 'done':
        for (const dataId of event.dataIds) this.#finished(event, dataId, offset)
        break
      case 'replaying':
        for (const letter of event.letters) this.#replaying(letter, offset)
        break
      case 'replayed':
        for (const replayed of event.letters) this.#replayed(replayed, event)
        break
      case 'discarded':
        for (const letter of event.letters) this.#close(letter, 'discarded', offset)
        break
      case 'edited':
        this.#edited(event, offset)
        break
      case 'expired':
        // Replayed, or dead again, since it was looked at: then it has not expired.
        for (const letter of event.letters) if (this.mayExpire(letter, event.diedBeforeMs)) this.#close(letter, 'expired', offset)
        break
    }
  }

  get(letter: number): StoredLetter | undefined {
    return this.#letters.get(letter)?.stored
  }

  /** What became of a datum of an agent, or of one whose place it has; undefined where it is no letter. */
  stateOf(agent: AgentVersion, line: readonly number[], dataId: DataId): LetterState | undefined {
    const [known] = this.#of(agent, line, dataId)
    return known === undefined ? undefined : this.get(known.letter)?.state
  }

  /** Offset of the event that holds the letter's datum as it was edited last; undefined where it was not. */
  editedAt(letter: number): number | undefined {
    return this.#letters.get(letter)?.editedAt
  }

  mayEdit(letter: number): boolean {
    const held = this.#letters.get(letter)
    return held?.stored.state === 'dead' && (held.replaying ?? []).length === 0
  }

  /** Offset of the event that the letter was discarded or has expired by, or is done by; undefined where it is open. */
  closedAt(letter: number): number | undefined {
    return this.#letters.get(letter)?.closedAt
  }

  mayExpire(letter: number, diedBeforeMs: number): boolean {
    const stored = this.get(letter)
    return stored?.state === 'dead' && stored.atMs < diedBeforeMs
  }

  counts(): LetterCount[] {
    const counts = new Map<string, LetterCount>()
    for (const { stored } of this.#letters.values()) {
      const { agent, state } = stored
      const key = `${agent.name}@${agent.version}/${state}`
      counts.set(key, { agent, state, count: (counts.get(key)?.count ?? 0) + 1 })
    }
    return [...counts.values()]
  }

  /** Whether any letter is `replayed`. */
  get waits(): boolean {
    return this.#waiting.size > 0
  }

  /**
   * What lies below an agent's place in its replay topic is not handled there any more. Where it was not handled at all (it had expired, or was
   * taken for a copy) its letter is `dead` as it was, for a person to decide again (I6).
   * @param places where each replay topic's reader stands, of before the last event was folded; Infinity where nobody reads it any more.
   */
  returnBelow(places: ReadonlyMap<string, number>): void {
    for (const letter of this.#waiting) {
      const { replayed } = this.#letters.get(letter)!
      if (replayed !== undefined && replayed.offset < (places.get(replayed.topic) ?? 0)) this.#set(letter, { state: 'dead' })
    }
  }

  /** Where the datum that was replayed at a position died first; undefined where no letter is known. */
  origin(agent: AgentVersion, line: readonly number[], dataId: DataId, at: At): StoredLetter | undefined {
    const letters = this.#of(agent, line, dataId).map(({ letter }) => this.#letters.get(letter)!)
    return (letters.find(({ replayed }) => isSame(replayed, at)) ?? letters[0])?.stored
  }

  /** The newest first, or from a letter on the oldest. */
  list(filter: LetterFilter): StoredLetter[] {
    const numbers = filter.letters === undefined ? undefined : new Set(filter.letters)
    const found: StoredLetter[] = []
    const all = [...this.#letters.values()]
    for (const { stored: letter } of filter.after === undefined ? all.reverse() : all) {
      if (found.length >= filter.limit) break
      if (matches(letter, filter) && (numbers === undefined || numbers.has(letter.letter))) found.push(letter)
    }
    return found
  }

  #died({ letter, type, line, stands, edited }: Extract<LetterEvent, { kind: 'dead' }>, number: number): void {
    const known = this.#of(letter.agent, line, letter.dataId).find(entry => entry.type === type)
    if (known === undefined) {
      this.#letters.set(number, { stored: { ...letter, letter: number, state: 'dead', replays: 0 } })
      if (stands !== undefined) this.#set(number, stands, edited === undefined ? {} : { editedAt: number - 1 })
      const key = keyOf(letter.agent, letter.dataId)
      this.#byDatum.set(key, [...(this.#byDatum.get(key) ?? []), { letter: number, type }])
    } else if (isReplayTopic(letter.topic)) this.#diedAgain(known.letter, letter)
  }

  #diedAgain(number: number, { topic, offset, error, attempts, atMs }: Omit<DeadLetter, 'frame'>): void {
    const { stored, replayed, died, replaying = [] } = this.#letters.get(number)!
    // It is said late of a replay that another one came after: that one is still to be handled.
    const isLate = replayed !== undefined && (replayed.topic !== topic || offset < replayed.offset)
    const isKnown = died !== undefined && died.topic === topic && offset <= died.offset
    if (!isOpen(stored) || isLate || isKnown) return
    // Of one replay that was cut off before it was noted, this is what came of it. Of several it may be any: the others' data are still on their way.
    const left = replaying.length > 1 ? replaying : []
    this.#set(number, { state: 'dead', error, attempts, atMs }, { died: { topic, offset }, replaying: left })
  }

  #finished({ agent, line }: Extract<LetterEvent, { kind: 'done' }>, dataId: DataId, at: number): void {
    for (const { letter } of this.#of(agent, line, dataId)) this.#close(letter, 'done', at)
  }

  #of(agent: AgentVersion, line: readonly number[], dataId: DataId) {
    return [agent.version, ...line].flatMap(version => this.#byDatum.get(keyOf({ name: agent.name, version }, dataId)) ?? [])
  }

  #replaying(letter: number, at: number): void {
    const held = this.#letters.get(letter)
    if (held?.stored.state === 'dead') this.#set(letter, {}, { replaying: [...(held.replaying ?? []), at] })
  }

  #replayed({ letter, topic, offset }: Replayed, { begun, atMs }: Extract<LetterEvent, { kind: 'replayed' }>): void {
    const held = this.#letters.get(letter)
    if (held === undefined || !isOpen(held.stored)) return
    const counted = { replays: held.stored.replays + 1, replayedMs: atMs }
    const { died, replayed } = held
    const replaying = (held.replaying ?? []).filter(at => at !== begun)
    // The agent was faster than whoever replayed it: it is dead already, and would be `replayed` for good.
    if (died?.topic === topic && died.offset >= offset) this.#set(letter, counted, { replaying })
    else if (replayed?.topic === topic && replayed.offset > offset) this.#set(letter, counted, { replaying })
    else this.#set(letter, { ...counted, state: 'replayed' }, { replayed: { topic, offset }, replaying })
  }

  #edited({ letter, by, atMs }: Extract<LetterEvent, { kind: 'edited' }>, offset: number): void {
    const held = this.#letters.get(letter)
    if (held === undefined || !this.mayEdit(letter)) return
    this.#set(letter, { edited: { times: (held.stored.edited?.times ?? 0) + 1, by, atMs } }, { editedAt: offset })
  }

  /** What is over keeps no stack: letters stay for good, and nobody mends them any more. */
  #close(letter: number, state: 'done' | 'discarded' | 'expired', closedAt: number): void {
    const held = this.#letters.get(letter)
    if (held === undefined || !isOpen(held.stored)) return
    const { stack: _, ...error } = held.stored.error
    this.#set(letter, { state, error }, { closedAt, replaying: [] })
  }

  #set(letter: number, to: Partial<StoredLetter>, at: Partial<Held> = {}): void {
    const held = this.#letters.get(letter)!
    const stored = { ...held.stored, ...to }
    this.#letters.set(letter, { ...held, ...at, stored })
    if (stored.state === 'replayed') this.#waiting.add(letter)
    else this.#waiting.delete(letter)
  }
}

/** Whether a person, or a replay, may still change it. */
function isOpen({ state }: StoredLetter): boolean {
  return state === 'dead' || state === 'replayed'
}

function isSame(a: At | undefined, b: At): boolean {
  return a !== undefined && a.topic === b.topic && a.offset === b.offset
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
    (filter.after === undefined || letter.letter > filter.after) &&
    (filter.diedBeforeMs === undefined || letter.atMs < filter.diedBeforeMs) &&
    (filter.dataId === undefined || letter.dataId === filter.dataId) &&
    (filter.matching === undefined || `${code === undefined ? '' : `${code} `}${name}: ${message}`.includes(filter.matching))
  )
}
