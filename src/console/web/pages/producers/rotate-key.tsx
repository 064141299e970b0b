import { useState } from 'preact/hooks'
import type { Key, NewKey } from '../../../api/producers.ts'
import { post } from '../../live/api.ts'
import { ChangeButton, useDoing } from '../../parts/action.tsx'
import { Command } from '../../parts/command.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Field } from '../../parts/field.tsx'
import { shellWord } from '../../parts/shell.ts'
import { Failed } from '../../parts/states.tsx'

/** As long as it takes to bring the new key to every producer. */
const DEFAULT_GRACE = '1h'

/** Makes another key with the same rights; the old one goes on for a while, so that nothing is refused meanwhile. */
export function RotateKey({ of: key, onMade }: { readonly of: Key; onMade(made: NewKey): void }) {
  const [open, setOpen] = useState(false)
  const [grace, setGrace] = useState(DEFAULT_GRACE)
  const doing = useDoing()
  const close = () => {
    setOpen(false)
    doing.forget()
  }
  const go = async () => {
    let made: NewKey | undefined
    await doing.run(async () => {
      made = await post<NewKey>(`/v1/keys/${encodeURIComponent(key.id)}/rotate`, { grace })
      return `The key ${key.id} is rotated, and ends in ${grace}.`
    })
    if (made === undefined) return
    close()
    onMade(made)
  }
  return (
    <>
      <ChangeButton onClick={() => setOpen(true)}>Rotate…</ChangeButton>
      <Dialog open={open} title={`Rotate the key ${key.id}?`} onClose={close}>
        <p>A new key with the same rights is made for {key.source}, and shown once. The old one goes on for a while, then it ends.</p>
        <Field label="The old one ends in" note="Such as 30m, 1h or 1d; 0s ends it at once.">
          <input value={grace} onInput={event => setGrace(event.currentTarget.value)} />
        </Field>
        <p>
          <Command text={`millrace keys rotate ${key.id}${grace === DEFAULT_GRACE ? '' : ` --grace ${shellWord(grace)}`}`} />
        </p>
        {doing.problem !== undefined && <Failed problem={doing.problem} />}
        <div class="changes end">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <ChangeButton kind="primary" busy={doing.busy} onClick={() => void go()}>
            Rotate
          </ChangeButton>
        </div>
      </Dialog>
    </>
  )
}
