import { isDeepStrictEqual } from 'node:util'

/** Fields of outputs that are told apart; what differs beyond them counts as one more, called `…`. */
const MOST_FIELDS = 200

/** How one field of the two differs, over all pairs in which both have a number there or it differs otherwise. */
export interface FieldDifference {
  /** `station`, `reading.value`, `levels[0]`; empty for an output that is no object. */
  readonly field: string
  /** Pairs with a number on both sides, and of the second less the first: the mean of what it is off by, the largest, and the mean with its sign. */
  readonly numbers: number
  readonly mean: number
  readonly max: number
  readonly bias: number
  /** Pairs in which it differs and is not a number on both sides. */
  readonly different: number
}

/** A pair that differs, with the datum that both were made of. */
export interface Example {
  readonly dataId: string
  readonly index: number
  readonly values: readonly [unknown, unknown]
}

interface Sums {
  numbers: number
  absolute: number
  signed: number
  max: number
  different: number
}

/** Gathers how pairs of outputs differ. Its size does not grow with their number. */
export class Differences {
  readonly #most: number
  readonly #fields = new Map<string, Sums>()
  readonly #examples: { readonly by: number; readonly example: Example }[] = []
  #pairs = 0
  #equal = 0

  /** @param most examples that are kept. */
  constructor(most: number) {
    this.#most = most
  }

  /** @param where asked where the pair becomes an example: an example is rare. */
  add(a: unknown, b: unknown, where: () => Omit<Example, 'values'>): void {
    this.#pairs++
    const by = this.#compare('', a, b)
    if (by === 0) {
      this.#equal++
      return
    }
    const last = this.#examples.at(-1)
    if (this.#examples.length === this.#most && last !== undefined && last.by >= by) return
    this.#examples.push({ by, example: { ...where(), values: [shown(a), shown(b)] } })
    this.#examples.sort((x, y) => y.by - x.by)
    if (this.#examples.length > this.#most) this.#examples.pop()
  }

  result(): { pairs: number; equal: number; fields: FieldDifference[]; examples: Example[] } {
    const fields = [...this.#fields].map(([field, { numbers, absolute, signed, max, different }]) => ({
      field,
      numbers,
      mean: numbers === 0 ? 0 : absolute / numbers,
      max,
      bias: numbers === 0 ? 0 : signed / numbers,
      different,
    }))
    return { pairs: this.#pairs, equal: this.#equal, fields, examples: this.#examples.map(({ example }) => example) }
  }

  /** @returns how much the two differ, 0 to 2: the largest of its fields', each in terms of the larger of its two numbers; what is no number, 2. */
  #compare(field: string, a: unknown, b: unknown): number {
    if (typeof a === 'number' && typeof b === 'number') return this.#numbers(field, a, b)
    if (isObject(a) && isObject(b) && Array.isArray(a) === Array.isArray(b)) {
      let largest = 0
      for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
        const path = Array.isArray(a) ? `${field}[${name}]` : field === '' ? name : `${field}.${name}`
        largest = Math.max(largest, this.#compare(path, a[name], b[name]))
      }
      return largest
    }
    if (isDeepStrictEqual(a, b)) return 0
    this.#sums(field).different++
    return 2
  }

  #numbers(field: string, a: number, b: number): number {
    const sums = this.#sums(field)
    const off = b - a
    sums.numbers++
    sums.absolute += Math.abs(off)
    sums.signed += off
    sums.max = Math.max(sums.max, Math.abs(off))
    return off === 0 ? 0 : Math.abs(off) / Math.max(Math.abs(a), Math.abs(b))
  }

  #sums(field: string): Sums {
    const name = this.#fields.has(field) || this.#fields.size < MOST_FIELDS ? field : '…'
    const sums = this.#fields.get(name) ?? { numbers: 0, absolute: 0, signed: 0, max: 0, different: 0 }
    this.#fields.set(name, sums)
    return sums
  }
}

/** Bytes are a view of a batch that is read over: an example keeps what they say. */
function shown(value: unknown): unknown {
  return value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
}
