import { computed, signal } from '@preact/signals'
import type { Overview } from '../../api/overview.ts'
import { applyPatch } from '../../live/merge-patch.ts'
import { askSession } from './api.ts'
import { History, type Series } from './history.ts'
import { whileInSight } from './in-sight.ts'
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

const AGAIN_MS = 2_000
/** So long the charts go on in the background. */
const LONGER_MS = 60_000

/** Follows the events for as long as the page is in sight, or was a moment ago. */
export function startOverview(): void {
  whileInSight(document, LONGER_MS, follow)
}

/** The browser connects again by itself, and then gets the whole first. */
function follow(): () => void {
  let events: EventSource
  let again: ReturnType<typeof setTimeout> | undefined
  let isOver = false
  const away = () => {
    if (connection.value === 'live') connection.value = 'away'
  }
  const open = () => {
    events = new EventSource('/v1/events')
    events.addEventListener('overview', event => take(JSON.parse(event.data) as Overview))
    events.addEventListener('change', event => take(applyPatch(overview.value, JSON.parse(event.data)) as Overview))
    // It could not be made; a whole one follows once it can.
    events.addEventListener('problem', away)
    events.addEventListener('error', () => {
      away()
      // A log-in that ended, or a listener that has too many: the browser gives up and does not say why, this asks and tries again.
      if (events.readyState === EventSource.CLOSED) void askSession().then(startAgain)
    })
  }
  /** As long as nobody is logged in the listener would refuse. */
  const startAgain = () => {
    if (!isOver) again = setTimeout(() => (session.value === null ? startAgain() : open()), AGAIN_MS)
  }
  open()
  return () => {
    isOver = true
    clearTimeout(again)
    events.close()
  }
}

function take(next: Overview): void {
  history.add(next)
  overview.value = next
  connection.value = 'live'
}
