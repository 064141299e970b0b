import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_MS = 25

/**
 * Resolves when `look` does, trying again while it rejects.
 * @throws after `deadlineMs`: what was waited for, with the last rejection as its cause.
 */
export async function until<T>(what: string, deadlineMs: number, look: () => T | Promise<T>): Promise<T> {
  const deadline = Date.now() + deadlineMs
  for (;;) {
    try {
      return await look()
    } catch (cause) {
      if (Date.now() > deadline) {
        const last = cause instanceof Error ? cause.message : String(cause)
        throw new Error(`After ${deadlineMs} ms still not: ${what} (${last})`, { cause })
      }
    }
    await sleep(LOOK_MS)
  }
}
