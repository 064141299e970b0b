import type { Issue } from '../../errors.ts'

/** A datum that was refused, by the line that it stood on. */
export interface Rejection {
  readonly line: number
  readonly issues: readonly Issue[]
}

/** What became of everything sent. */
export class Tally {
  accepted = 0
  /** Stored by an earlier run, or by an attempt whose answer was lost. */
  duplicate = 0
  rejected = 0
  /** Of the last datum that was sent alone and is stored: what a datum on the command line is traced by. */
  dataId: string | undefined
  /** The first of the rejections: all of them could be a whole file. */
  readonly rejections: Rejection[] = []
  /** Every rejection, as it comes. */
  readonly #onReject: (rejection: Rejection) => void

  constructor(onReject: (rejection: Rejection) => void) {
    this.#onReject = onReject
  }

  get settled(): number {
    return this.accepted + this.duplicate + this.rejected
  }

  reject(rejection: Rejection): void {
    this.rejected++
    if (this.rejections.length < MAX_KEPT) this.rejections.push(rejection)
    this.#onReject(rejection)
  }
}

const MAX_KEPT = 100
