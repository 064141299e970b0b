import type { ComponentChildren } from 'preact'

/** A table that is scrolled sideways where the window is narrow, by the keyboard, too. */
export function Table({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    // A region that scrolls must take the focus (WCAG 2.1.1).
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
    <section class="scroll" aria-label={label} tabIndex={0}>
      <table class="rows">{children}</table>
    </section>
  )
}

/** A column's title: of texts, of numbers, which stand at the right, or for those alone who do not see what is below it. Null: none. */
export type Column = string | { readonly number: string } | { readonly unseen: string } | null

/** The head of a table. */
export function Columns({ of }: { readonly of: readonly Column[] }) {
  return (
    <thead>
      <tr>{of.map(head)}</tr>
    </thead>
  )
}

function head(column: Column, at: number) {
  if (column === null) return <td key={at} />
  if (typeof column === 'string') {
    return (
      <th key={at} scope="col">
        {column}
      </th>
    )
  }
  const [text, look] = 'number' in column ? [column.number, 'number'] : [column.unseen, 'unseen']
  return (
    <th key={at} scope="col" class={look === 'number' ? look : undefined}>
      {look === 'unseen' ? <span class={look}>{text}</span> : text}
    </th>
  )
}
