import { useResource } from '../../live/resource.ts'
import { countText } from '../../parts/numbers.ts'
import { hrefTo } from '../../router.ts'

/** Of `GET /v1/agents`, what this is about. */
interface Agents {
  readonly agents: readonly { readonly letters_expired: number }[]
}

/** Letters that nobody came to in time: data that were given up without anybody looking, so it is said. */
export function Expired() {
  const { answer } = useResource<Agents>('/v1/agents', 30_000)
  const count = answer?.agents.reduce((sum, { letters_expired }) => sum + letters_expired, 0) ?? 0
  if (count === 0) return null
  return (
    <p class="note warn">
      {countText(count)} {count === 1 ? 'letter has' : 'letters have'} expired unhandled: nobody came to {count === 1 ? 'it' : 'them'}{' '}
      within <code>retention.letters</code>. <a href={hrefTo(['dead-letters', 'letters'], { state: 'expired' })}>See which</a>
    </p>
  )
}
