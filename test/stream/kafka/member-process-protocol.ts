/** What the process and the test agree on. */
export const MEMBERS = { pipeline: 'grid', topic: 'demand', group: { name: 'forecast@2', edition: 2 } } as const

/** One line of the process's output. */
export interface Said {
  /** The partitions of a lease that it was given. */
  readonly lease?: readonly number[]
  /** `moved`, or the code of the error. */
  readonly committed?: string
}
