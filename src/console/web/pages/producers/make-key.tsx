import { useState } from 'preact/hooks'
import type { NewKey } from '../../../api/producers.ts'
import { post } from '../../live/api.ts'
import { overview } from '../../live/overview.ts'
import { ChangeButton, useDoing } from '../../parts/action.tsx'
import { Command } from '../../parts/command.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Field } from '../../parts/field.tsx'
import { Failed } from '../../parts/states.tsx'
import { addCommand } from './key-words.ts'

/** Makes a key: for whom, where to, how long. */
export function MakeKey({ onMade }: { onMade(made: NewKey): void }) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <ChangeButton kind="primary" onClick={() => setOpen(true)}>
        Make a key…
      </ChangeButton>
      <Dialog open={open} title="Make a key" onClose={() => setOpen(false)}>
        <Form
          onMade={made => {
            setOpen(false)
            onMade(made)
          }}
          onCancel={() => setOpen(false)}
        />
      </Dialog>
    </>
  )
}

function Form({ onMade, onCancel }: { onMade(made: NewKey): void; onCancel(): void }) {
  const [source, setSource] = useState('')
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [all, setAll] = useState(false)
  const [expires, setExpires] = useState('')
  const doing = useDoing()
  const entries = Object.entries(overview.value?.topics ?? {})
    .filter(([, topic]) => topic.entry)
    .map(([name]) => name)
  const topics = all ? '*' : [...chosen].sort()
  const isWhole = source.trim() !== '' && (all || chosen.size > 0)
  const choose = (topic: string, isChosen: boolean) => {
    const next = new Set(chosen)
    if (isChosen) next.add(topic)
    else next.delete(topic)
    setChosen(next)
  }
  const go = async () => {
    let made: NewKey | undefined
    await doing.run(async () => {
      made = await post<NewKey>('/v1/keys', { source: source.trim(), topics, ...(expires === '' ? {} : { expires }) })
      return `A key for ${source} is made.`
    })
    if (made !== undefined) onMade(made)
  }
  return (
    <form
      method="dialog"
      onSubmit={event => {
        event.preventDefault()
        if (isWhole) void go()
      }}
    >
      <Field label="Source" note="Who sends with it: everything that comes with the key carries this name.">
        <input required value={source} onInput={event => setSource(event.currentTarget.value)} />
      </Field>
      <fieldset>
        <legend>It may send to</legend>
        <label>
          <input type="checkbox" checked={all} onChange={event => setAll(event.currentTarget.checked)} /> every topic that no agent writes
        </label>
        {entries.map(topic => (
          <label key={topic}>
            <input
              type="checkbox"
              disabled={all}
              checked={all || chosen.has(topic)}
              onChange={event => choose(topic, event.currentTarget.checked)}
            />{' '}
            {topic}
          </label>
        ))}
      </fieldset>
      <Field label="It ends in" note="Such as 30d; empty: it holds until it is revoked.">
        <input value={expires} placeholder="never" onInput={event => setExpires(event.currentTarget.value.trim())} />
      </Field>
      <p>
        <Command text={addCommand(source.trim(), topics, expires)} />
      </p>
      {doing.problem !== undefined && <Failed problem={doing.problem} />}
      <div class="changes end">
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
        <ChangeButton kind="primary" busy={doing.busy} disabled={!isWhole} onClick={() => void go()}>
          {doing.busy ? 'Making…' : 'Make the key'}
        </ChangeButton>
      </div>
    </form>
  )
}
