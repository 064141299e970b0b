import type { Agent } from './agent.ts'

/** Whether trying again cannot help: the datum or its output is wrong and stays so, or the handler's error says `retryable: false`. */
export function isFinal(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'retryable' in error && error.retryable === false
}

/**
 * Milliseconds to wait after so many attempts: exponential backoff with full jitter
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), so that what failed together does not come back together.
 * @param random uniform in [0, 1)
 */
export function backoffMs(policy: Pick<Agent['retry'], 'backoffMs' | 'maxBackoffMs'>, attempts: number, random: () => number): number {
  const ceiling = Math.min(policy.maxBackoffMs, policy.backoffMs * 2 ** (attempts - 1))
  return Math.ceil(random() * ceiling)
}
