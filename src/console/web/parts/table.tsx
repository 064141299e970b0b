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
