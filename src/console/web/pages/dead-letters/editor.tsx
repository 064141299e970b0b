import { useEffect, useId, useState } from 'preact/hooks'
import type { EditedAnswer, LetterDatum, ShownLetter, TriedLetter } from '../../../api/dead.ts'
import { ApiProblem, post } from '../../live/api.ts'
import { ChangeButton, Changes, useDoing } from '../../parts/action.tsx'
import { Command } from '../../parts/command.tsx'
import { Issues } from '../../parts/issues.tsx'
import { base64Of, inexactNumbers, textOf, whyNotJson } from './datum-text.ts'
import { Tried } from './try.tsx'

/** A letter's datum: to be read, changed for its next replay, and tried first. Whether it is right is for the listener to say. */
export function Editor({
  letter: { letter, state },
  datum,
  reload,
}: {
  readonly letter: ShownLetter
  readonly datum: LetterDatum
  reload(): void
}) {
  const shown = textOf(datum)
  const isBase64 = datum.data !== undefined
  const [text, setText] = useState(shown)
  // What was saved is what is shown from then on, laid out.
  useEffect(() => setText(shown), [shown])
  const [tried, setTried] = useState<TriedLetter>()
  const saving = useDoing()
  const trying = useDoing()
  const area = useId()
  const wrong = isBase64 ? undefined : whyNotJson(text)
  const isChanged = text !== shown
  const inexact = isBase64 ? [] : inexactNumbers(text)
  const canEdit = state === 'dead'

  const type = (next: string) => {
    setText(next)
    setTried(undefined)
    saving.forget()
    trying.forget()
  }
  const save = async () => {
    const isSaved = await saving.run(async () => {
      const { edited } = await post<EditedAnswer>(`/v1/dead/${letter}/edit`, { data: base64Of(text, isBase64) })
      if (edited.length === 0) throw new ApiProblem(409, 'LETTER_UNKNOWN', onItsWay(letter))
      return `Letter ${letter} is edited: its next replay gives its agent this datum.`
    })
    if (isSaved) reload()
  }
  const tryIt = () =>
    trying.run(async () => {
      const result = await post<TriedLetter>('/v1/dead/try', { letter, ...(isChanged ? { data: base64Of(text, isBase64) } : {}) })
      setTried(result)
      return result.outcome === 'outputs'
        ? 'It would be handled.'
        : result.outcome === 'failure'
          ? 'It would fail again.'
          : 'It cannot be tried.'
    })
  const problem = saving.problem ?? trying.problem
  return (
    <section>
      <label class="dim" for={area}>
        {isBase64 ? `Its bytes (${datum.content_type}) as Base64` : datum.content_type}
        {datum.undecodable !== undefined && `, which it is not: ${datum.undecodable}`}
      </label>
      <textarea
        id={area}
        class="code"
        spellcheck={false}
        rows={Math.min(24, Math.max(4, text.split('\n').length))}
        value={text}
        readOnly={!canEdit}
        aria-invalid={wrong !== undefined || problem !== undefined}
        onInput={event => type(event.currentTarget.value)}
      />
      {wrong !== undefined && <p class="note bad">Not JSON yet: {wrong}</p>}
      {inexact.length > 0 && (
        <p class="note warn">
          {inexact.join(', ')} may have been another number when it was sent: it is larger than a double holds exactly.
        </p>
      )}
      {problem !== undefined && <Issues problem={problem} />}
      {tried !== undefined && <Tried tried={tried} />}
      {canEdit && (
        <Changes>
          <ChangeButton busy={trying.busy} disabled={wrong !== undefined} onClick={() => void tryIt()}>
            {trying.busy ? 'Trying…' : 'Dry run'}
          </ChangeButton>
          <ChangeButton kind="primary" busy={saving.busy} disabled={!isChanged || wrong !== undefined} onClick={() => void save()}>
            {saving.busy ? 'Saving…' : 'Save the datum'}
          </ChangeButton>
          {isChanged && (
            <button type="button" class="quiet" onClick={() => type(shown)}>
              Undo
            </button>
          )}
          <Command text={`millrace dead edit ${letter} datum.json`} />
        </Changes>
      )}
    </section>
  )
}

function onItsWay(letter: number): string {
  return `Letter ${letter} is not dead any more, or its datum is on its way to the agent as it was. If it stays dead, replay it again, and edit it if that fails.`
}
