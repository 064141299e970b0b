import { formatId, ID_BYTES } from '../envelope/data-id.ts'
import type { FrameCursor } from '../envelope/frame.ts'
import { Differences, type Example, type FieldDifference } from './differences.ts'
import { type Handled, idText } from './handled.ts'
import type { OutputIndex } from './output-index.ts'

/** Of outputs that wait for their other half. */
const MOST_BYTES = 64 * 1024 * 1024

/** What the two sides wrote to one topic. */
export interface TopicComparison {
  readonly topic: string
  /** Outputs that both have made of the same datum, and those of them that say the same. */
  readonly pairs: number
  readonly equal: number
  /** Outputs that one of the two has made and the other has not. */
  readonly only: readonly [number, number]
  /** Outputs whose place among those of their datum is not known: they are not compared. */
  readonly unknown: number
  readonly fields: readonly FieldDifference[]
  /** The largest differences first. */
  readonly examples: readonly Example[]
}

/** `undefined`: it has met its other half, and a copy of either changes nothing. */
type Waiting = Map<string, Half | undefined>

interface Half {
  readonly side: 0 | 1
  readonly isJson: boolean
  /** A copy: a view would keep its whole batch in memory. */
  readonly data: Buffer
}

class TopicPairs {
  readonly waiting: Waiting = new Map()
  readonly differences: Differences
  unknown = 0

  constructor(examples: number) {
    this.differences = new Differences(examples)
  }
}

/** Outputs by the datum that they were made of, until both sides' are there and are compared. */
export class Pairs {
  readonly #handled: Handled
  readonly #examples: number
  readonly #topics = new Map<string, TopicPairs>()
  #bytes = 0

  constructor(handled: Handled, examples: number) {
    this.#handled = handled
    this.#examples = examples
  }

  /** What takes one side's outputs to a topic, each with the cursor on it. */
  side(side: 0 | 1, topic: string): (cursor: FrameCursor, index: OutputIndex) => void {
    return (cursor, index) => {
      if (!this.#handled.has(idText(cursor.parents, 0))) return
      const pairs = this.#of(topic)
      const at = index.of(cursor)
      if (at === undefined) pairs.unknown++
      else this.#take(pairs, side, `${idText(cursor.parents, 0)}${at}`, cursor)
    }
  }

  result(): readonly TopicComparison[] {
    return [...this.#topics].map(([topic, { waiting, differences, unknown }]) => {
      const only: [number, number] = [0, 0]
      for (const left of waiting.values()) if (left !== undefined) only[left.side]++
      return { topic, ...differences.result(), only, unknown }
    })
  }

  #of(topic: string): TopicPairs {
    const known = this.#topics.get(topic) ?? new TopicPairs(this.#examples)
    this.#topics.set(topic, known)
    return known
  }

  #take(pairs: TopicPairs, side: 0 | 1, key: string, cursor: FrameCursor): void {
    const { waiting, differences } = pairs
    const half = waiting.get(key)
    if (half === undefined && waiting.has(key)) return
    if (half?.side === side) return
    const own: Half = { side, isJson: cursor.isJson, data: half === undefined ? Buffer.from(cursor.data) : cursor.data }
    if (half === undefined) {
      waiting.set(key, own)
      this.#bytes += own.data.length
      this.#makeRoom()
      return
    }
    waiting.set(key, undefined)
    this.#bytes -= half.data.length
    const [a, b] = side === 0 ? [own, half] : [half, own]
    differences.add(decoded(a), decoded(b), () => ({ dataId: formatId(cursor.parents, 0), index: Number(key.slice(ID_BYTES)) }))
  }

  /** Lets go of every second datum, with its outputs, until what waits fits. */
  #makeRoom(): void {
    while (this.#bytes > MOST_BYTES && this.#handled.halve()) {
      for (const { waiting } of this.#topics.values()) {
        for (const [key, half] of waiting) {
          if (this.#handled.has(key.slice(0, ID_BYTES))) continue
          this.#bytes -= half?.data.length ?? 0
          waiting.delete(key)
        }
      }
    }
  }
}

/** What is not JSON stays bytes. */
function decoded({ isJson, data }: Half): unknown {
  if (!isJson) return data
  const text = data.toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    // Whoever wrote it said that it is JSON; as text it can be compared all the same.
    return text
  }
}
