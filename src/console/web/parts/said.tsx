import { signal } from '@preact/signals'

/** What has just been done, in words; empty when nothing was. */
const said = signal('')
let ending: ReturnType<typeof setTimeout> | undefined

const SHOWN_MS = 8_000

/** Says that something was done, to eyes and to readers of the screen, wherever the page goes next. */
export function say(words: string): void {
  clearTimeout(ending)
  said.value = words
  ending = setTimeout(() => {
    said.value = ''
  }, SHOWN_MS)
}

/** Where it is said: one place on the page, there from the start, as readers of the screen need it. */
export function Said() {
  return (
    <div class="said" role="status">
      {said.value !== '' && <p>{said.value}</p>}
    </div>
  )
}
