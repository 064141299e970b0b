import type { Advised, Followed, Given } from '../instrumentation/advice/advisor.ts'

import type { Advice, AdviceAnswer, Followed as FollowedAnswer } from './api/advice.ts'
import { iso } from './seen.ts'

/** `GET /v1/advice`. */
export function adviceToJson({ advice, followed }: Advised, atMs: number): AdviceAnswer {
  return { at: iso(atMs), advice: advice.map(givenToJson), followed: followed.map(followedToJson) }
}

function givenToJson({ sinceMs, evidence, steps, ...advice }: Given): Advice {
  return { ...advice, evidence: { ...evidence }, steps: [...steps], since: iso(sinceMs) }
}

function followedToJson({ about, decision, doneMs, lagBefore, lagAfter, helped, words }: Followed): FollowedAnswer {
  return { about, decision, done: iso(doneMs), lag_before: lagBefore, lag_after: lagAfter, helped, words }
}
