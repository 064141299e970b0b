import type { ComponentChildren } from 'preact'

/** What is known of one thing, name by name; what is undefined is left out. */
export function Facts({ of }: { readonly of: Readonly<Record<string, ComponentChildren>> }) {
  return (
    <dl class="known">
      {Object.entries(of)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

/** A number that says how things are, with its name. */
export function Figure({
  name,
  children,
  note,
  tone = '',
}: {
  readonly name: string
  readonly children: ComponentChildren
  readonly note?: ComponentChildren
  readonly tone?: 'good' | 'warn' | 'bad' | ''
}) {
  return (
    <div class={`figure ${tone}`}>
      <span class="dim">{name}</span>
      <strong>{children}</strong>
      {note !== undefined && <span class="dim">{note}</span>}
    </div>
  )
}
