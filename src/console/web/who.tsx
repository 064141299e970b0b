import { ApiProblem, post } from './live/api.ts'
import { session } from './live/session.ts'
import { say } from './parts/said.tsx'

/** Who is logged in, with the way out; nothing where nobody has to. */
export function Who() {
  const now = session.value
  if (now === null || now === undefined || now.csrf === null) return null
  return (
    <span class="who">
      {now.user} <span class="dim">{now.role}</span>
      <button type="button" class="quiet" onClick={() => void logOut()}>
        Log out
      </button>
    </span>
  )
}

async function logOut(): Promise<void> {
  try {
    await post<void>('/v1/session', {}, 'DELETE')
    session.value = null
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error
    say(error.message)
  }
}
