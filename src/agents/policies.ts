import { checkCount } from '../count.ts'
import { type Duration, durationMs } from '../duration.ts'
import { checkOptions } from '../options.ts'

/** Lets the handler take many data at once, as models like them. */
export interface BatchOptions {
  /** At most so many data, 2 to 1,000. */
  readonly size: number
  /** How long the first of them waits for others, in milliseconds; 0 to 60,000. Default 50. */
  readonly waitMs?: number
  /**
   * `'each'` (the default): the handler returns a list, for each datum its outputs. `'batch'`: it returns the outputs of all of them, whose parents
   * are all of the batch's data.
   */
  readonly outputs?: 'each' | 'batch'
}

/** How the data of an agent whose handler takes many at once are put together. */
export interface BatchPolicy {
  /** At most so many. */
  readonly size: number
  /** The first of them waits so long for others at most. */
  readonly waitMs: number
  /** Whether outputs are each datum's own, or the batch's as a whole. */
  readonly outputs: 'each' | 'batch'
}

/** When the agent is paused because it is the agent that fails and not its data: then one datum is tried now and then, until one is done. */
export interface BreakerOptions {
  /** Of the last `of` data that it finished here, the share that went to the dead letters; above 0, at most 1. Default 0.9. */
  readonly share?: number
  /** Default 100. */
  readonly of?: number
  /** The first pause; it doubles each time that a datum fails, up to 10 minutes. Default `'30s'`. */
  readonly pause?: Duration
}

/** When an agent is paused because it is the agent that fails and not its data. */
export interface BreakerPolicy {
  /** Of the last {@link of} data that were finished, the share that failed for good; above 0, at most 1. */
  readonly share: number
  readonly of: number
  /** How long it is paused before one datum is tried; twice as long each time that one fails, at most 10 minutes. */
  readonly pauseMs: number
}

export function batchPolicy(say: string, options: BatchOptions): BatchPolicy {
  checkOptions(`${say} batch`, options, ['size', 'waitMs', 'outputs'])
  const { size, waitMs = 50, outputs = 'each' } = options
  if (size === 1) throw new TypeError(`${say} batch size is 1: leave 'batch' out, and the handler takes one datum.`)
  if (outputs !== 'each' && outputs !== 'batch')
    throw new TypeError(`${say} batch outputs is ${JSON.stringify(outputs)}: it must be 'each' or 'batch'.`)
  if (!Number.isFinite(waitMs) || waitMs < 0 || waitMs > 60_000)
    throw new TypeError(`${say} batch waitMs is ${JSON.stringify(waitMs)}: it must be milliseconds from 0 to 60000.`)
  return { size: checkCount(`${say} batch size`, size, 1_000), waitMs, outputs }
}

export function breakerPolicy(say: string, options: BreakerOptions | false | undefined): BreakerPolicy | undefined {
  if (options === false) return undefined
  checkOptions(`${say} breaker`, options ?? {}, ['share', 'of', 'pause'])
  const { share = 0.9, of = 100, pause = '30s' } = options ?? {}
  if (!(share > 0 && share <= 1)) throw new TypeError(`${say} breaker share is ${JSON.stringify(share)}: it must be above 0 and at most 1.`)
  return { share, of: checkCount(`${say} breaker of`, of, 10_000), pauseMs: durationMs(pause, `${say} breaker pause`) }
}

/** How many replicas of an agent run: as many as its load asks for, between these. Equal: always so many. */
export interface Replicas {
  readonly min: number
  readonly max: number
}

const MOST_REPLICAS = 1_000

/** @throws TypeError unless it is a whole number from 1, or two of them with `min` not above `max`. */
export function checkReplicas(say: string, replicas: number | Replicas): Replicas {
  if (typeof replicas === 'number') {
    const count = checkCount(`${say} replicas`, replicas, MOST_REPLICAS)
    return { min: count, max: count }
  }
  const min = checkCount(`${say} replicas.min`, replicas.min, MOST_REPLICAS)
  const max = checkCount(`${say} replicas.max`, replicas.max, MOST_REPLICAS)
  if (min > max) throw new TypeError(`${say} replicas are at least ${min} and at most ${max}: min must not be above max.`)
  return { min, max }
}

export interface RetryPolicy {
  /** Attempts in all before a datum goes to the dead letters. Default 5. */
  readonly attempts?: number
  /** Wait before the second attempt; it doubles each time, with jitter. Default `'100ms'`. */
  readonly backoff?: Duration
  /** The longest wait between two attempts. Default `'10s'`. */
  readonly maxBackoff?: Duration
}

export function retryPolicy(say: string, options: RetryPolicy = {}) {
  checkOptions(`${say} retry`, options, ['attempts', 'backoff', 'maxBackoff'])
  return {
    attempts: checkCount(`${say} retry attempts`, options.attempts ?? 5, 1_000),
    backoffMs: durationMs(options.backoff ?? '100ms', `${say} retry backoff`),
    maxBackoffMs: durationMs(options.maxBackoff ?? '10s', `${say} retry maxBackoff`),
  }
}
