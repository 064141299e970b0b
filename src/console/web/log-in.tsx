import { useState } from 'preact/hooks'
import type { Session } from '../api/session.ts'
import { ApiProblem, post } from './live/api.ts'
import { logInKind, session } from './live/session.ts'
import { Field } from './parts/field.tsx'
import { Failed } from './parts/states.tsx'

/**
 * In the place of a page whose log-in has ended, or that was opened without one: the URL stays, and after the log-in the view is there again. The
 * token goes in the body of a request and nowhere else: a URL is kept in histories and logs.
 */
export function LogIn() {
  const here = `${location.pathname}${location.search}`
  return (
    <section class="log-in">
      <h1>Log in</h1>
      <p class="dim">The listener does not know who asks: the log-in has ended, or there was none.</p>
      {logInKind.value === 'oidc' && (
        <p>
          <a class="button primary" href={`/auth/login?to=${encodeURIComponent(here)}`}>
            Log in with OIDC
          </a>
        </p>
      )}
      <TokenForm />
    </section>
  )
}

function TokenForm() {
  const [token, setToken] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<ApiProblem>()
  const logIn = async () => {
    setBusy(true)
    setProblem(undefined)
    try {
      session.value = await post<Session>('/v1/session', { token: token.trim() })
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error
      setProblem(error)
      setBusy(false)
    }
  }
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        void logIn()
      }}
    >
      <Field label="Token" note="millrace console token add makes one.">
        <input
          type="password"
          required
          autocomplete="off"
          value={token}
          aria-invalid={problem !== undefined}
          onInput={event => setToken(event.currentTarget.value)}
        />
      </Field>
      {problem !== undefined && <Failed problem={problem} />}
      <div class="changes">
        <button type="submit" class="primary" disabled={busy || token.trim() === ''}>
          {busy ? 'Logging in…' : 'Log in'}
        </button>
      </div>
    </form>
  )
}
