import type { Job, OpenRemote } from '../agents/remote.ts'
import { mint } from '../envelope/data-id.ts'

/** What a remote is told beside a datum, where it is not the usual. */
export interface MoreOfJob extends Partial<Omit<Job, 'datum' | 'aborted' | 'done' | 'failed'>> {
  readonly isAborted?: () => boolean
}

/** Gives a datum to a remote, as the runner does. @returns its outputs. @throws what it failed by */
export function handOver(remote: Pick<OpenRemote, 'take'>, datum: unknown, { isAborted, ...more }: MoreOfJob = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<readonly unknown[]>()
  remote.take({
    ...{ datum, dataId: mint(Date.now()), source: 'app', createdMs: 0, topic: 'feedback', attempt: 1, window: [], state: undefined },
    ...more,
    get aborted() {
      return isAborted?.() === true
    },
    done: resolve,
    failed: reject,
  })
  return promise
}
