import type { Job } from '../remote.ts'

/** What one process has in hand, by the number that names each datum in its answers. */
export class InHand {
  readonly #jobs: (Job | undefined)[]
  /** The number that was given to what is, or was last, in each place. */
  readonly #numbers: number[]
  /** When that was, counted. */
  readonly #turns: number[]
  #turn = 0
  readonly #free: number[] = []

  /** @param most jobs at once. */
  constructor(most: number) {
    this.#jobs = new Array<Job | undefined>(most).fill(undefined)
    this.#numbers = Array.from({ length: most }, (_, place) => place - most)
    this.#turns = new Array<number>(most).fill(0)
    for (let place = most - 1; place >= 0; place--) this.#free.push(place)
  }

  get size(): number {
    return this.#jobs.length - this.#free.length
  }

  /** Where there is room. @returns its number, which none had before. */
  put(job: Job): number {
    const place = this.#free.pop()!
    const number = this.#numbers[place]! + this.#jobs.length
    this.#jobs[place] = job
    this.#numbers[place] = number
    this.#turns[place] = ++this.#turn
    return number
  }

  /** The job of that number, which it is rid of; undefined where none has it. */
  take(number: number): Job | undefined {
    const place = number % this.#jobs.length
    const job = this.#numbers[place] === number ? this.#jobs[place] : undefined
    if (job === undefined) return undefined
    this.#jobs[place] = undefined
    this.#free.push(place)
    return job
  }

  /** Of those for which nobody waits any more. */
  aborted(): number[] {
    return this.#numbers.filter((_, place) => this.#jobs[place]?.aborted)
  }

  /** All there are, in the order in which they were given. */
  takeAll(): Job[] {
    const places = [...this.#jobs.keys()].filter(place => this.#jobs[place] !== undefined)
    return places.sort((a, b) => this.#turns[a]! - this.#turns[b]!).flatMap(place => this.take(this.#numbers[place]!) ?? [])
  }
}
