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
  return `${BASE}/${parts.map(encodePart).join('/')}${query === '' ? '' : `?${query}`}`
}

/** A path may hold `:` and `@` as they are: `forecast@2` stays readable. */
function encodePart(part: string): string {
  return encodeURIComponent(part).replaceAll('%3A', ':').replaceAll('%40', '@')
}

export function goTo(href: string, how: 'push' | 'replace' = 'push'): void {
  history[how === 'push' ? 'pushState' : 'replaceState'](null, '', href)
  url.value = new URL(location.href)
}

/** Changes the query of the view that is shown, such as a filter; empty texts leave it, and of several each is a value of the name. */
export function setQuery(changes: Readonly<Record<string, string | readonly string[]>>): void {
  const next = new URL(url.value)
  for (const [name, values] of Object.entries(changes)) {
    next.searchParams.delete(name)
    for (const value of [values].flat()) if (value !== '') next.searchParams.append(name, value)
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
    // The way past the bar: it changes no view, and leaves the URL as it is.
    if (link.hash !== '') return document.querySelector<HTMLElement>(link.hash)?.focus()
    const [page] = path.value
    goTo(link.href)
    if (path.value[0] !== page) return beginView()
    // Within a page, such as from one box of the graph to the next, place and focus stay; but not where the link went with its view.
    requestAnimationFrame(() => {
      if (!link.isConnected && document.activeElement === document.body) beginView()
    })
  })
}

/** A view that is another one is seen from its top, and a reader of the screen is told of it. */
function beginView(): void {
  scrollTo(0, 0)
  document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true })
}
