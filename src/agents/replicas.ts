import { checkCount } from './agent.ts'

/** How many replicas of an agent run: as many as its load asks for, between these. Equal: always so many. */
export interface Replicas {
  readonly min: number
  readonly max: number
}

const MOST = 1_000

/** @throws TypeError unless it is a whole number from 1, or two of them with `min` not above `max`. */
export function checkReplicas(say: string, replicas: number | Replicas): Replicas {
  if (typeof replicas === 'number') {
    const count = checkCount(`${say} replicas`, replicas, MOST)
    return { min: count, max: count }
  }
  const min = checkCount(`${say} replicas.min`, replicas.min, MOST)
  const max = checkCount(`${say} replicas.max`, replicas.max, MOST)
  if (min > max) throw new TypeError(`${say} replicas are at least ${min} and at most ${max}: min must not be above max.`)
  return { min, max }
}
