import { useState } from 'preact/hooks'
import type { LettersAnswer, TriedLetter } from '../../../api/dead.ts'
import { get, post } from '../../live/api.ts'
import { ChangeButton, useDoing } from '../../parts/action.tsx'
import { Box } from '../../parts/box.tsx'
import { Command } from '../../parts/command.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Failed } from '../../parts/states.tsx'
import { hrefTo } from '../../router.ts'
import { textOf } from './datum-text.ts'
import { askedOf, flagsOf, type LetterFilter } from './filter.ts'

/** Each is run by itself, so a few say what all would. */
const MOST_TRIED = 10

/** Tries the newest letters of a group: what their agent would make of each now. Nothing of it is kept. */
export function TryGroup({ filter }: { readonly filter: LetterFilter }) {
  const [open, setOpen] = useState(false)
  const [tried, setTried] = useState<readonly TriedLetter[]>([])
  const doing = useDoing()
  const close = () => {
    setOpen(false)
    setTried([])
    doing.forget()
  }
  const go = () =>
    doing.run(async () => {
      setTried([])
      const { letters } = await get<LettersAnswer>(`/v1/dead?${askedOf(filter, { limit: String(MOST_TRIED) })}`)
      let fine = 0
      for (const { letter } of letters) {
        const result = await post<TriedLetter>('/v1/dead/try', { letter })
        if (result.outcome === 'outputs') fine++
        setTried(before => [...before, result])
      }
      return `Tried ${letters.length}: ${fine} would be handled.`
    })
  return (
    <>
      <ChangeButton onClick={() => setOpen(true)}>Dry run…</ChangeButton>
      <Dialog open={open} title="Dry run" onClose={close}>
        <p>
          The newest letters, {MOST_TRIED} at most, are given to their agent’s handler as it runs now, in a thread of its own. Nothing of it
          is kept; what the handler itself does outside, it does.
        </p>
        <ul class="bare">
          {tried.map(each => (
            <li key={each.letter}>
              <a href={hrefTo(['dead-letters', String(each.letter)])}>Letter {each.letter}</a> <Tried tried={each} brief />
            </li>
          ))}
        </ul>
        {tried.some(each => each.without_past && each.outcome !== 'untried') && <WithoutPast />}
        <p>
          <Command text={`millrace dead replay${flagsOf(filter)} --dry-run --using pipeline.ts --limit ${MOST_TRIED}`} />
        </p>
        {doing.problem !== undefined && <Failed problem={doing.problem} />}
        <div class="changes end">
          <button type="button" onClick={close}>
            Close
          </button>
          <ChangeButton kind="primary" busy={doing.busy} onClick={() => void go()}>
            {doing.busy ? 'Trying…' : 'Try them'}
          </ChangeButton>
        </div>
      </Dialog>
    </>
  )
}

/** What an agent would make of a datum. */
export function Tried({ tried, brief = false }: { readonly tried: TriedLetter; readonly brief?: boolean }) {
  const { outcome, outputs = [], error, reason, without_past: withoutPast } = tried
  return (
    <div class="tried">
      {outcome === 'outputs' && (
        <p>
          <span class="mark good">would be handled</span> by {tried.agent}@{tried.version},{' '}
          {outputs.length === 0 ? 'without an output' : `with ${outputs.length} ${outputs.length === 1 ? 'output' : 'outputs'}`}.
        </p>
      )}
      {outcome === 'failure' && (
        <p>
          <span class="mark bad">would fail again</span> in {tried.agent}@{tried.version}: {error}
        </p>
      )}
      {outcome === 'untried' && (
        <p>
          <span class="mark warn">cannot be tried</span> {reason}
        </p>
      )}
      {outputs.map((output, index) => (
        <div key={index}>
          <span class="dim">to</span> {output.to} {output.key !== null && <code>{output.key}</code>}
          <Box text={textOf(output)} label={`An output to ${output.to}`} />
        </div>
      ))}
      {withoutPast && outcome !== 'untried' && !brief && <WithoutPast />}
    </div>
  )
}

function WithoutPast() {
  return <p class="dim">The agent has a window or a state: it is tried without any past but the datum itself.</p>
}
