/** What a loop waits on: something has happened, look again. A wake before the wait is not lost. */
export class Wake {
  #woken = false
  #resolve: (() => void) | undefined

  wait(): Promise<void> {
    if (this.#woken) {
      this.#woken = false
      return Promise.resolve()
    }
    return new Promise(resolve => {
      this.#resolve = resolve
    })
  }

  readonly wake = (): void => {
    if (this.#resolve === undefined) {
      this.#woken = true
      return
    }
    const resolve = this.#resolve
    this.#resolve = undefined
    resolve()
  }
}
