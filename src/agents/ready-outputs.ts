/** An output that needs no checking: Millrace's own agents make it, for their first target. */
export interface ReadyOutput {
  readonly key: string
  /** JSON. */
  readonly text: string
  /** 16 bytes, as in `Staged`. */
  readonly cause: Uint8Array
  /** Ids, 16 bytes each. */
  readonly parents: Uint8Array
}

/** What an agent of Millrace's own returns in place of values. */
export class ReadyOutputs {
  readonly outputs: readonly ReadyOutput[]

  constructor(outputs: readonly ReadyOutput[]) {
    this.outputs = outputs
  }
}
