import { useEffect, useRef, useState } from 'preact/hooks'
import type { ShownDatum, TailCount } from '../../api/topics.ts'
import { ApiProblem, open } from './api.ts'
import { EventReader } from './event-stream.ts'
import { whileInSight } from './in-sight.ts'

/** What a tail shows: the newest first, no more than {@link KEPT}. */
export interface Tail {
  readonly data: readonly ShownDatum[]
  /** Of the last second; undefined before the first. */
  readonly count: TailCount | undefined
  readonly state: 'connecting' | 'live' | 'away'
  /** Why the listener refuses it. */
  readonly problem: ApiProblem | undefined
  /** Data that came while it was paused, and are not shown. */
  readonly missed: number
}

export interface TailOptions {
  readonly from: string
  readonly where: readonly string[]
  readonly paused: boolean
}

const KEPT = 200
/** Drawn no more often than this: what comes in between is drawn together. */
const DRAW_MS = 200
const AGAIN_MS = 2_000
/** So long it goes on in the background. */
const LONGER_MS = 10_000
const NOTHING: Tail = { data: [], count: undefined, state: 'connecting', problem: undefined, missed: 0 }

export function tailPath(topic: string, { from, where }: Pick<TailOptions, 'from' | 'where'>): string {
  const query = new URLSearchParams([['from', from], ...where.map(condition => ['where', condition])])
  return `/v1/topics/${encodeURIComponent(topic)}/tail?${query}`
}

/** Follows a topic for as long as the view is there, and again when the connection breaks. Paused, it goes on counting. */
export function useTail(topic: string, options: TailOptions): Tail {
  const [tail, setTail] = useState(NOTHING)
  const paused = useRef(options.paused)
  paused.current = options.paused
  const path = tailPath(topic, options)

  useEffect(() => {
    setTail(NOTHING)
    let waiting: ShownDatum[] = []
    let missed = 0
    let count: TailCount | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    const draw = () => {
      timer = undefined
      const fresh = waiting.reverse()
      waiting = []
      setTail(last => ({
        data: fresh.length === 0 ? last.data : [...fresh, ...last.data].slice(0, KEPT),
        count,
        state: 'live',
        problem: undefined,
        missed,
      }))
    }
    const take = ({ event, data }: { readonly event: string; readonly data: string }) => {
      if (event === 'count') count = JSON.parse(data) as TailCount
      else if (event === 'datum' && paused.current) missed++
      else if (event === 'datum') {
        waiting.push(JSON.parse(data) as ShownDatum)
        if (waiting.length > KEPT) waiting.shift()
      }
      // It cannot be read at the moment, and goes on by itself.
      if (event === 'problem') setTail(last => ({ ...last, state: 'away' }))
      else timer ??= setTimeout(draw, DRAW_MS)
    }
    // What has come is drawn first: drawn later, it would say that all is well again.
    const breakOff = (problem?: ApiProblem) => {
      clearTimeout(timer)
      if (timer !== undefined) draw()
      setTail(last => ({ ...last, state: 'away', problem }))
    }
    const follow = async (signal: AbortSignal, isAgain: boolean) => {
      // One that began in the past begins there again, and brings what is shown a second time.
      let clears = isAgain && options.from !== 'latest'
      try {
        const reader = new EventReader()
        for await (const piece of open(path, signal)) {
          if (clears && !paused.current) setTail(last => ({ ...last, data: [] }))
          clears = false
          for (const event of reader.take(piece)) take(event)
        }
        breakOff()
      } catch (error) {
        if (signal.aborted) return
        const problem = error instanceof ApiProblem ? error : undefined
        breakOff(problem)
        // What is refused for what it asks stays refused.
        if (problem !== undefined && problem.status >= 400 && problem.status < 500 && problem.status !== 429) return
      }
      if (!signal.aborted) again = setTimeout(() => void follow(signal, true), AGAIN_MS)
    }
    let again: ReturnType<typeof setTimeout> | undefined
    let isAgain = false
    return whileInSight(document, LONGER_MS, () => {
      const ending = new AbortController()
      void follow(ending.signal, isAgain)
      isAgain = true
      return () => {
        ending.abort()
        clearTimeout(timer)
        timer = undefined
        clearTimeout(again)
      }
    })
  }, [path])
  return tail
}
