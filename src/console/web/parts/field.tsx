import type { ComponentChildren } from 'preact'

/** What is to be typed or chosen, under its name. */
export function Field({
  label,
  note,
  children,
}: {
  readonly label: string
  readonly note?: ComponentChildren
  readonly children: ComponentChildren
}) {
  return (
    // What is labelled is among the children.
    // biome-ignore lint/a11y/noLabelWithoutControl: see above
    <label class="field">
      <span>{label}</span>
      {children}
      {note !== undefined && <span class="dim">{note}</span>}
    </label>
  )
}
