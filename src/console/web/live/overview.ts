import { computed, signal } from '@preact/signals'
import type { Overview } from '../../api/overview.ts'
import { askSession } from './api.ts'
import { History, type Series } from './history.ts'
import { mergePatch } from './merge-patch.ts'
import { session } from './session.ts'

/** What `GET /v1/events` said last; undefined before its first word. */
export const overview = signal<Overview | undefined>(undefined)
/** connecting: not heard yet. live: up to date. away: it was heard and is silent; what is shown is the last that is known. */
export const connection = signal<'connecting' | 'live' | 'away'>('connecting')

export const pipelineName = computed(() => overview.value?.pipeline ?? undefined)

const history = new History()

/** The last minutes of a number, by its name: see `history.ts`. A view that reads it is drawn again at each look. */
export function seriesOf(name: string): Series {
  overview.value // what is subscribed to
  return history.series(name)
}

/** Follows the events for as long as the page is open. The browser connects again by itself, and then gets the whole first. */
export function startOverview(): void {
  const events = new EventSource('/v1/events')
  events.addEventListener('overview', event => take(JSON.parse(event.data) as Overview))
  events.addEventListener('change', event => take(mergePatch(overview.value, JSON.parse(event.data)) as Overview))
  const away = () => {
    if (connection.value === 'live') connection.value = 'away'
  }
  // It could not be made; a whole one follows once it can.
  events.addEventListener('problem', away)
  events.addEventListener('error', () => {
    away()
    // A log-in that ended, or a listener that has too many: the browser gives up and does not say why, this asks and tries again.
    if (events.readyState === EventSource.CLOSED) void askSession().then(startAgain)
  })
}

const AGAIN_MS = 2_000

/** As long as nobody is logged in the listener would refuse. */
function startAgain(): void {
  setTimeout(() => (session.value === null ? startAgain() : startOverview()), AGAIN_MS)
}

function take(next: Overview): void {
  history.add(next)
  overview.value = next
  connection.value = 'live'
}
