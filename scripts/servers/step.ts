/** One thing to install. */
export interface Step {
  readonly name: string
  /** What will be done and how long it takes, to follow the name: `by Maven, 43 MB, about 20 s`. */
  readonly how: string
  readonly present: () => boolean
  readonly install: () => void | Promise<void>
}
