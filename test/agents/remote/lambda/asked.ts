import { onTestFinished } from 'vitest'
import { type LambdaOptions, lambda } from '../../../../src/agents/remote/lambda/index.ts'
import { systemClock } from '../../../../src/clock.ts'
import { handOver, type MoreOfJob } from '../../../../src/testing/hand-over.ts'

/** Where a function of the tests is, for lambda(). */
export function at(endpoint: string): LambdaOptions {
  return { endpoint, region: 'eu-central-1', credentials: { accessKeyId: 'id', secretAccessKey: 'hunter2' } }
}

/** A remote that invokes a function at an endpoint. */
export function ask(endpoint: string, options: LambdaOptions = {}, facts: { readonly timeoutMs?: number; readonly to?: [] } = {}) {
  const held: (string | undefined)[] = []
  const { timeoutMs = 20_000, to = [] } = facts
  const remote = lambda('orders', { ...at(endpoint), ...options }).open(
    { name: 'mood', version: 1, to, addressed: false, timeoutMs, clock: systemClock },
    { held: error => held.push(error?.message), log: () => undefined },
  )
  onTestFinished(() => remote.stop(0))
  let asked = 0
  return {
    held,
    remote,
    /** Each under a data_id of its own. */
    ask: (datum: unknown, more: MoreOfJob = {}) => {
      const dataId = `0198f3c2-0000-7000-8000-${String(asked++).padStart(12, '0')}`
      return handOver(remote, datum, { dataId, ...more })
    },
  }
}
