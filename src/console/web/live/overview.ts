import { computed, signal } from '@preact/signals'
import type { Overview } from '../../api/overview.ts'
import { mergePatch } from './merge-patch.ts'

/** What `GET /v1/events` said last; undefined before its first word. */
export const overview = signal<Overview | undefined>(undefined)
/** connecting: not heard yet. live: up to date. away: it was heard and is silent; what is shown is the last that is known. */
export const connection = signal<'connecting' | 'live' | 'away'>('connecting')
/** Rates of the last minutes for the small charts: one look a second, the newest last. */
export const history = signal<readonly Overview[]>([])

const KEPT_LOOKS = 300

export const pipelineName = computed(() => overview.value?.pipeline ?? undefined)

/** Follows the events for as long as the page is open. The browser connects again by itself, and then gets the whole first. */
export function startOverview(): void {
  const events = new EventSource('/v1/events')
  events.addEventListener('overview', event => take(JSON.parse(event.data) as Overview))
  events.addEventListener('change', event => take(mergePatch(overview.value, JSON.parse(event.data)) as Overview))
  events.addEventListener('error', () => {
    if (connection.value === 'live') connection.value = 'away'
    // A log-in that ended, or a listener that has too many: the browser gives up, this tries again.
    if (events.readyState !== EventSource.CLOSED) return
    connection.value = overview.value === undefined ? 'connecting' : 'away'
    setTimeout(startOverview, 2_000)
  })
}

function take(next: Overview): void {
  overview.value = next
  connection.value = 'live'
  history.value = [...history.value.slice(1 - KEPT_LOOKS), next]
}
