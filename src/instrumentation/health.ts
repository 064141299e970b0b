/** What a probe is told. `reasons` is empty exactly when `ok`. */
export interface HealthReport {
  readonly ok: boolean
  readonly reasons: readonly string[]
  /** `reason`: why it is not ok, or what is to be known although it is. */
  readonly parts: readonly { readonly part: string; readonly ok: boolean; readonly reason?: string }[]
}

/**
 * Liveness and readiness of one process. Its parts say how they are as they come and go: `engine`, `front end`, each `agent name@version`.
 *
 * A part is down until it says that it is up. *Ready* when every part is up and it is not stopping: data are accepted and will be handled.
 * *Live* until something failed that only a new process can mend; a process whose main thread hangs does not answer at all.
 */
export interface Health {
  /** @param note what is to be known of it although it is well, such as that it works on its own disk meanwhile. */
  up(part: string, note?: string): void
  down(part: string, reason: string): void
  /** The part is no longer expected, such as an agent that a reload took out. */
  remove(part: string): void
  /** From here on not ready: it is draining. Still live. */
  stopping(): void
  /** What happened can be mended by a new process alone. */
  fail(reason: string): void
  live(): HealthReport
  ready(): HealthReport
}

/** @param expected parts without which the process is not ready. */
export function createHealth(expected: readonly string[]): Health {
  const parts = new Map<string, { readonly ok: boolean; readonly reason?: string }>(
    expected.map(part => [part, { ok: false, reason: 'starting' }]),
  )
  let stopping = false
  let failure: string | undefined

  function report(reasons: readonly string[]): HealthReport {
    return {
      ok: reasons.length === 0,
      reasons,
      parts: [...parts].map(([part, state]) => ({ part, ...state })),
    }
  }

  return {
    up: (part, note) => void parts.set(part, note === undefined ? { ok: true } : { ok: true, reason: note }),
    down: (part, reason) => void parts.set(part, { ok: false, reason }),
    remove: part => void parts.delete(part),
    stopping: () => {
      stopping = true
    },
    fail: reason => {
      // The first failure is the cause; what follows it are consequences.
      failure ??= reason
    },
    live: () => report(failure === undefined ? [] : [failure]),
    ready: () =>
      report([
        ...(failure === undefined ? [] : [failure]),
        ...(stopping ? ['shutting down'] : []),
        ...[...parts].flatMap(([part, { ok, reason }]) => (ok ? [] : [`${part}: ${reason}`])),
      ]),
  }
}
