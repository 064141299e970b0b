import { computed, signal } from '@preact/signals'

/** Where the console stands: below it every view has its own URL. */
export const BASE = '/console'

const url = signal(new URL(location.href))

/** The path below {@link BASE}, decoded, in its parts: `/console/topics/demand` is `['topics', 'demand']`. */
export const path = computed(() => {
  const below = url.value.pathname.slice(BASE.length)
  return below.split('/').filter(Boolean).map(decodeURIComponent)
})

export const query = computed(() => url.value.searchParams)

/** A link within the console; parts are encoded. */
export function hrefTo(parts: readonly string[], search: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams(search).toString()
  return `${BASE}/${parts.map(encodeURIComponent).join('/')}${query === '' ? '' : `?${query}`}`
}

export function goTo(href: string, how: 'push' | 'replace' = 'push'): void {
  history[how === 'push' ? 'pushState' : 'replaceState'](null, '', href)
  url.value = new URL(location.href)
}

/** Changes the query of the view that is shown, such as a filter; empty texts leave it. */
export function setQuery(changes: Readonly<Record<string, string>>): void {
  const next = new URL(url.value)
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') next.searchParams.delete(name)
    else next.searchParams.set(name, value)
  }
  goTo(next.href, 'replace')
}

/** Links within the console change the view without loading the page again; every other click is the browser's. */
export function startRouter(): void {
  addEventListener('popstate', () => {
    url.value = new URL(location.href)
  })
  addEventListener('click', event => {
    const link = event.target instanceof Element ? event.target.closest('a') : null
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
    if (link === null || !plain || link.target !== '' || link.origin !== location.origin || !link.pathname.startsWith(`${BASE}/`)) return
    event.preventDefault()
    goTo(link.href)
    scrollTo(0, 0)
    // A reader of the screen is told that the view is another one.
    document.querySelector<HTMLElement>('main')?.focus()
  })
}
