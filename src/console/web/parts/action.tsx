import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { ApiProblem } from '../live/api.ts'
import { mayChange } from '../live/session.ts'
import { Command } from './command.tsx'
import { Dialog } from './dialog.tsx'
import { say } from './said.tsx'
import { Failed } from './states.tsx'

/** Something that is being done: no second time meanwhile, and what went wrong is kept until the next try. */
export interface Doing {
  readonly busy: boolean
  readonly problem: ApiProblem | undefined
  /** @param act answers what was done, in words. @returns whether it was done. */
  run(act: () => Promise<string>): Promise<boolean>
  forget(): void
}

export function useDoing(): Doing {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<ApiProblem>()
  const running = useRef(false)
  return {
    busy,
    problem,
    forget: () => setProblem(undefined),
    async run(act) {
      if (running.current) return false
      running.current = true
      setBusy(true)
      setProblem(undefined)
      try {
        say(await act())
        return true
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error
        setProblem(error)
        return false
      } finally {
        running.current = false
        setBusy(false)
      }
    },
  }
}

export const WHY_NOT = 'You are logged in as a viewer: operators can do this.'

/** A button that changes something. Viewers see that it is there, and why it is not theirs. */
export function ChangeButton({
  kind = '',
  busy = false,
  disabled = false,
  onClick,
  children,
}: {
  readonly kind?: 'primary' | 'danger' | ''
  readonly busy?: boolean
  readonly disabled?: boolean
  onClick(): void
  readonly children: ComponentChildren
}) {
  const may = mayChange.value
  return (
    <button type="button" class={kind} disabled={!may || busy || disabled} title={may ? undefined : WHY_NOT} onClick={onClick}>
      {children}
    </button>
  )
}

/** Buttons that change something, side by side; for viewers with the reason in words why they are grey. */
export function Changes({ children }: { readonly children: ComponentChildren }) {
  const group = useRef<HTMLFieldSetElement>(null)
  const last = useRef<EventTarget | null>(null)
  // What was done may take its button away, and with it the focus: whoever works by the keyboard would begin at the top of the page again.
  useLayoutEffect(() => {
    if (!(last.current instanceof Node) || last.current.isConnected) return
    last.current = null
    if (document.activeElement === document.body) group.current?.focus({ preventScroll: true })
  })
  const enter = (event: FocusEvent) => {
    last.current = event.target
  }
  const leave = (event: FocusEvent) => {
    if (event.relatedTarget !== null) last.current = null
  }
  return (
    <fieldset ref={group} class="changes" aria-label="Actions" tabIndex={-1} onFocusIn={enter} onFocusOut={leave}>
      {children}
      {!mayChange.value && <span class="dim">{WHY_NOT}</span>}
    </fieldset>
  )
}

/** A button that asks first: what will happen, the command that does the same, and only then does it. */
export function Confirmed({
  verb,
  kind = '',
  title,
  command,
  disabled = false,
  act,
  onDone,
  children,
}: {
  readonly verb: string
  readonly kind?: 'primary' | 'danger' | ''
  readonly title: string
  readonly command: string
  readonly disabled?: boolean
  /** Answers what was done, in words. */
  act(): Promise<string>
  onDone?(): void
  /** What will happen. */
  readonly children: ComponentChildren
}) {
  const [open, setOpen] = useState(false)
  const doing = useDoing()
  const close = () => {
    setOpen(false)
    doing.forget()
  }
  const go = async () => {
    if (!(await doing.run(act))) return
    close()
    onDone?.()
  }
  return (
    <>
      <ChangeButton kind={kind} disabled={disabled} onClick={() => setOpen(true)}>
        {verb}…
      </ChangeButton>
      <Dialog open={open} title={title} onClose={close}>
        {children}
        <p>
          <Command text={command} />
        </p>
        {doing.problem !== undefined && <Failed problem={doing.problem} />}
        <div class="changes end">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <ChangeButton kind={kind === '' ? 'primary' : kind} busy={doing.busy} onClick={() => void go()}>
            {doing.busy ? 'Working…' : verb}
          </ChangeButton>
        </div>
      </Dialog>
    </>
  )
}
