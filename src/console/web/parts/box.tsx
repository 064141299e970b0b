/** A text as it stands, such as a stack. It may be longer than its box: the keyboard scrolls it, too. */
export function Box({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    // A region that scrolls must take the focus (WCAG 2.1.1).
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
    <section class="verbatim" aria-label={label} tabIndex={0}>
      <pre>{text}</pre>
    </section>
  )
}
