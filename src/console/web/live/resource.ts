import { useEffect, useState } from 'preact/hooks'
import { ApiProblem, get } from './api.ts'

/** What a view asks for: not there yet, there (`problem` when the newest question failed and this is the last answer), or refused. */
export interface Resource<Answer> {
  readonly answer: Answer | undefined
  readonly problem: ApiProblem | undefined
  /** Asks again now. */
  reload(): void
}

/** Asks for a path, again when it changes and every so many milliseconds; `undefined` asks for nothing. */
export function useResource<Answer>(path: string | undefined, everyMs?: number): Resource<Answer> {
  const [state, setState] = useState<{ path?: string | undefined; answer?: Answer; problem?: ApiProblem }>({})
  const [asked, setAsked] = useState(0)
  useEffect(() => {
    if (path === undefined) return
    const ending = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async () => {
      try {
        const answer = await get<Answer>(path, ending.signal)
        setState({ path, answer })
      } catch (error) {
        if (ending.signal.aborted) return
        if (!(error instanceof ApiProblem)) throw error
        setState(last => (last.path === path ? { ...last, problem: error } : { path, problem: error }))
      }
      // A page in the background asks for nothing.
      if (everyMs !== undefined && !ending.signal.aborted) timer = setTimeout(() => (document.hidden ? wait() : ask()), everyMs)
    }
    const wait = () => {
      document.addEventListener('visibilitychange', () => void ask(), { once: true, signal: ending.signal })
    }
    void ask()
    return () => {
      ending.abort()
      clearTimeout(timer)
    }
  }, [path, everyMs, asked])
  const isOfThis = state.path === path
  return {
    answer: isOfThis ? state.answer : undefined,
    problem: isOfThis ? state.problem : undefined,
    reload: () => setAsked(count => count + 1),
  }
}
