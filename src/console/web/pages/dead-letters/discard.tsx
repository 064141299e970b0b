import { useState } from 'preact/hooks'
import type { DiscardedAnswer, LettersAnswer } from '../../../api/dead.ts'
import { get, post } from '../../live/api.ts'
import { Confirmed } from '../../parts/action.tsx'
import { countText } from '../../parts/numbers.ts'
import { askedOf, flagsOf, isNarrowed, type LetterFilter } from './filter.ts'

/** What the listener lists at most; each portion is read, then discarded. */
const PORTION = '500'

/** Gives up all letters that match, once a person has said so. */
export function DiscardSome({
  filter,
  what,
  count,
  newest,
  onDone,
}: {
  readonly filter: LetterFilter
  /** "the letters that match". */
  readonly what: string
  readonly count: number
  /** The newest letter that the person has seen counted: later ones are not meant. */
  readonly newest: number
  onDone(): void
}) {
  const [gone, setGone] = useState<number>()
  return (
    <Confirmed
      verb="Discard"
      kind="danger"
      title={`Discard ${what}?`}
      command={`millrace dead discard${isNarrowed(filter) ? flagsOf(filter) : ' --all'}`}
      act={async () => {
        const discarded = await discardAll(filter, newest, setGone).finally(() => setGone(undefined))
        return `Discarded ${countText(discarded)} ${discarded === 1 ? 'letter' : 'letters'}.`
      }}
      onDone={onDone}
    >
      <p>
        <strong>{countText(count)}</strong> {count === 1 ? 'datum is' : 'data are'} given up for good:{' '}
        {count === 1 ? 'its agent' : 'their agents'} will never handle {count === 1 ? 'it' : 'them'}, and nothing brings{' '}
        {count === 1 ? 'it' : 'them'} back. The letters stay listed as discarded, with who did it. Letters that come meanwhile stay.
      </p>
      {gone !== undefined && (
        <p role="status">
          {countText(gone)} of {countText(count)} discarded…
        </p>
      )}
    </Confirmed>
  )
}

/** @returns how many were discarded. */
async function discardAll(filter: LetterFilter, newest: number, note: (gone: number) => void): Promise<number> {
  let gone = 0
  for (;;) {
    const { letters } = await get<LettersAnswer>(`/v1/dead?${askedOf(filter, { state: 'dead', after: '0', limit: PORTION })}`)
    const meant = letters.map(({ letter }) => letter).filter(letter => letter <= newest)
    if (meant.length === 0) return gone
    const { discarded } = await post<DiscardedAnswer>('/v1/dead/discard', { letters: meant })
    // All of them were replayed or discarded by somebody else just now: the next look would find them gone, or this would never end.
    if (discarded.length === 0) return gone
    gone += discarded.length
    note(gone)
  }
}
