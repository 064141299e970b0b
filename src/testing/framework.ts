/** What a suite needs of a test framework; Vitest, Jest and node:test have it. Given to the suites, so that they depend on none. */
export interface TestFramework {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void>): unknown
}

/** One thing to be put through a suite, empty at first. */
export interface UnderTest<T> {
  readonly subject: T
  /** Closes it as an orderly stop would and opens the same data again. Absent where nothing outlives it: those tests are left out. */
  reopen?(): Promise<T>
  /** Closes it, where it is not closed yet, and removes what it kept. */
  dispose(): Promise<void>
}

/** Longest wait for anything that must happen. Nothing waits so long unless it is broken. */
const DEADLINE_MS = 10_000
const POLL_MS = 2

/** @throws Error saying what did not happen. */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Not within ${DEADLINE_MS} ms: ${what}.`)), DEADLINE_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Asks until there is an answer. `what` may tell what was seen last. @throws Error saying what did not happen. */
export async function eventually<T>(what: string | (() => string), ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const until = Date.now() + DEADLINE_MS; ; ) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > until) throw new Error(`Not within ${DEADLINE_MS} ms: ${typeof what === 'string' ? what : what()}.`)
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}
