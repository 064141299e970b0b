import type { Advised, Followed, Given } from '../instrumentation/advice/advisor.ts'
import { iso } from './seen.ts'

/** `GET /v1/advice`. */
export function adviceToJson({ advice, followed }: Advised, atMs: number): object {
  return { at: iso(atMs), advice: advice.map(givenToJson), followed: followed.map(followedToJson) }
}

function givenToJson({ sinceMs, ...advice }: Given): object {
  return { ...advice, since: iso(sinceMs) }
}

function followedToJson({ about, decision, doneMs, lagBefore, lagAfter, helped, words }: Followed): object {
  return { about, decision, done: iso(doneMs), lag_before: lagBefore, lag_after: lagAfter, helped, words }
}
