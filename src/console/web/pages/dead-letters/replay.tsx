import { useState } from 'preact/hooks'
import type { LetterReplay } from '../../../api/dead.ts'
import { post } from '../../live/api.ts'
import { ChangeButton, useDoing } from '../../parts/action.tsx'
import { Command } from '../../parts/command.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Field } from '../../parts/field.tsx'
import { countText } from '../../parts/numbers.ts'
import { Failed } from '../../parts/states.tsx'
import { bodyOf, flagsOf, isNarrowed, type LetterFilter } from './filter.ts'
import { ReplayProgress } from './progress.tsx'

/** What a mended but slow agent can bear beside its live data. */
const DEFAULT_RATE = '100'

/** Replays all letters that match, at a rate; the dialog shows how far it is, and may be closed meanwhile. */
export function ReplaySome({
  filter,
  what,
  count,
  onDone,
}: {
  readonly filter: LetterFilter
  /** "the letters that match". */
  readonly what: string
  readonly count: number
  onDone(): void
}) {
  const [open, setOpen] = useState(false)
  const [rate, setRate] = useState(DEFAULT_RATE)
  const [begun, setBegun] = useState<LetterReplay>()
  const doing = useDoing()
  const isRate = rate === '' || (Number(rate) > 0 && Number.isFinite(Number(rate)))
  const close = () => {
    setOpen(false)
    setBegun(undefined)
    doing.forget()
    if (begun !== undefined) onDone()
  }
  const begin = () =>
    doing.run(async () => {
      setBegun(await post<LetterReplay>('/v1/dead/replays', { ...bodyOf(filter), ...(rate === '' ? {} : { rate: Number(rate) }) }))
      return `The replay of ${what} has begun.`
    })
  const seconds = rate === '' || !isRate ? undefined : count / Number(rate)
  return (
    <>
      <ChangeButton kind="primary" onClick={() => setOpen(true)}>
        Replay…
      </ChangeButton>
      <Dialog open={open} title={begun === undefined ? `Replay ${what}?` : `Replay ${begun.replay}`} onClose={close}>
        {begun === undefined ? (
          <>
            <p>
              <strong>{countText(count)}</strong> {count === 1 ? 'datum goes' : 'data go'} to the replay topic of{' '}
              {count === 1 ? 'its agent' : 'their agents'}, the oldest first, and {count === 1 ? 'is' : 'are'} handled beside live data.
              What is done by then is skipped; what fails again is dead again.
            </p>
            <Field
              label="Letters a second, at most"
              note={seconds === undefined ? 'Empty: as many as can be.' : `About ${countText(Math.max(1, seconds))} s for all of them.`}
            >
              <input type="number" min="0.1" step="any" value={rate} onInput={event => setRate(event.currentTarget.value)} />
            </Field>
            <p>
              <Command
                text={`millrace dead replay${isNarrowed(filter) ? flagsOf(filter) : ' --all'}${rate === '' ? '' : ` --rate ${rate}/s`}`}
              />
            </p>
            {doing.problem !== undefined && <Failed problem={doing.problem} />}
            <div class="changes end">
              <button type="button" onClick={close}>
                Cancel
              </button>
              <ChangeButton kind="primary" busy={doing.busy} disabled={!isRate} onClick={() => void begin()}>
                {doing.busy ? 'Beginning…' : 'Replay'}
              </ChangeButton>
            </div>
          </>
        ) : (
          <>
            <ReplayProgress begun={begun} />
            <div class="changes end">
              <button type="button" onClick={close}>
                Close
              </button>
            </div>
          </>
        )}
      </Dialog>
    </>
  )
}
