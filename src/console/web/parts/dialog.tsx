import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

/**
 * A dialog over the page. The browser keeps the focus in it, closes it by Escape, and gives the focus back to what opened it; so it stays in the
 * tree, and what is in it is there while it is open.
 */
export function Dialog({
  open,
  title,
  onClose,
  children,
}: {
  readonly open: boolean
  readonly title: string
  onClose(): void
  readonly children: ComponentChildren
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    if (open && dialog.current?.open === false) dialog.current.showModal()
    if (!open) dialog.current?.close()
  }, [open])
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={onClose}>
      {open && (
        <>
          <h2 id={heading}>{title}</h2>
          {children}
        </>
      )}
    </dialog>
  )
}
