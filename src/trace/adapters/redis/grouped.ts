import type { Keys } from './keys.ts'
import { CALL_DATA } from './layout.ts'

/** One call in the making: keys that lie together, and what is said of each. */
export class GroupedCall {
  readonly keys: string[] = []
  readonly args: string[] = []
  /** The callers' numbers of the data, in the order of the keys. */
  readonly rows: number[] = []
  #before: string | undefined

  /** A text, or nothing where it is the one before in this call: most of a batch is of one source. */
  changed(text: string): string {
    if (text === this.#before) return ''
    this.#before = text
    return text
  }
}

/** Shares the data of a batch out over calls: each of one group of keys, and of so many data at most. All are on their way at once. */
export class Grouped {
  readonly #keys: Keys
  readonly #send: (call: GroupedCall) => Promise<void>
  readonly #open: (GroupedCall | undefined)[]
  readonly #sent: Promise<void>[] = []

  constructor(keys: Keys, send: (call: GroupedCall) => Promise<void>) {
    this.#keys = keys
    this.#send = send
    this.#open = new Array(keys.groups)
  }

  /** @param last the id's last byte. @returns the call that the datum is in: say what there is to say before the next is added. */
  add(last: number, row: number, key: string): GroupedCall {
    const group = this.#keys.groupOf(last)
    let call = this.#open[group]
    if (call === undefined || call.keys.length === CALL_DATA) {
      if (call !== undefined) this.#go(call)
      call = this.#open[group] = new GroupedCall()
    }
    call.keys.push(key)
    call.rows.push(row)
    return call
  }

  /** Sends what is left; resolves when all have been answered. @throws what the first that failed did. */
  async done(): Promise<void> {
    for (const call of this.#open) if (call !== undefined) this.#go(call)
    await Promise.all(this.#sent)
  }

  #go(call: GroupedCall): void {
    const sent = this.#send(call)
    // It may fail before done() is there to hear it.
    sent.catch(() => undefined)
    this.#sent.push(sent)
  }
}
