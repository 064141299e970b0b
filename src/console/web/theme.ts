import { signal } from '@preact/signals'

/** `auto` is what the system says. */
export type Theme = 'auto' | 'light' | 'dark'

const KEPT = 'millrace-theme'
const THEMES: readonly Theme[] = ['auto', 'light', 'dark']

export const theme = signal<Theme>(THEMES.find(each => each === localStorage.getItem(KEPT)) ?? 'auto')

export function chooseTheme(next: Theme): void {
  theme.value = next
  localStorage.setItem(KEPT, next)
  applyTheme()
}

/** The style sheet has both; the attribute overrides what the system says. */
export function applyTheme(): void {
  if (theme.value === 'auto') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme.value
}
