import { useEffect, useRef, useState } from 'preact/hooks'
import type { SearchAnswer } from '../../../api/data.ts'
import { ApiProblem, get } from '../../live/api.ts'
import { type Asked, asksNothing, searchPath } from './asked.ts'

/** What was found so far, the newest first, and where to go on. */
export interface Found {
  readonly data: SearchAnswer['data']
  readonly lookedAt: number
  readonly more: string | null
  readonly busy: boolean
  readonly problem: ApiProblem | undefined
  /** Looks further into the past. */
  goOn(): void
}

const PAGE = 50
/** An answer ends after some time, whether something was found or not: so often it is asked further before somebody has to say so. */
const ROUNDS = 40
const NOTHING = { data: [], lookedAt: 0, more: null, busy: false, problem: undefined }

/** Searches whenever something else is asked; what is found further on is added to it. */
export function useSearch(asked: Asked): Found {
  const [found, setFound] = useState<Omit<Found, 'goOn'>>(NOTHING)
  const ending = useRef<AbortController | undefined>(undefined)
  const path = searchPath(asked, PAGE)
  const nothing = asksNothing(asked)

  const ask = async (before?: string) => {
    ending.current?.abort()
    const asking = new AbortController()
    ending.current = asking
    setFound(last => ({ ...(before === undefined ? NOTHING : last), busy: true, problem: undefined }))
    try {
      let [at, round, isFound] = [before, 0, false]
      do {
        const answer: SearchAnswer = await get(searchPath(asked, PAGE, at), asking.signal)
        isFound = answer.data.length > 0
        at = answer.more ?? undefined
        const isOver = isFound || at === undefined || ++round === ROUNDS
        setFound(last => ({
          ...{ busy: !isOver, problem: undefined, more: answer.more },
          data: [...last.data, ...answer.data],
          lookedAt: last.lookedAt + answer.looked_at,
        }))
      } while (!isFound && at !== undefined && round < ROUNDS)
    } catch (error) {
      if (asking.signal.aborted) return
      if (!(error instanceof ApiProblem)) throw error
      setFound(last => ({ ...last, busy: false, problem: error }))
    }
  }

  useEffect(() => {
    if (nothing) setFound(NOTHING)
    else void ask()
    return () => ending.current?.abort()
  }, [path, nothing])

  return { ...found, goOn: () => found.more !== null && void ask(found.more) }
}
