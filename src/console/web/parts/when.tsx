import { agoText } from './ago.ts'
import { timeText } from './numbers.ts'

/** A moment: how long ago for eyes in a hurry, the whole of it for whoever points at it. */
export function When({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={at}>
      {timeText(at)} <span class="dim">({agoText(Date.now() - Date.parse(at))})</span>
    </time>
  )
}
