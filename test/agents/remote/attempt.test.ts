import { describe, expect, it } from 'vitest'
import type { Staged } from '../../../src/agents/outputs.ts'
import { RemoteAttempt } from '../../../src/agents/remote-attempt.ts'
import type { Task } from '../../../src/agents/task.ts'

/** An attempt whose outputs are checked as told. @returns it, and what was told of it. */
function attempt(stage: (outputs: readonly unknown[]) => readonly Staged[] | Promise<readonly Staged[]>) {
  const told: string[] = []
  const ends = {
    stage,
    ended: (_: RemoteAttempt, staged: readonly Staged[] | undefined, error: unknown) =>
      void told.push(staged === undefined ? `failed: ${(error as Error).message}` : 'succeeded'),
    letGo: () => void told.push('let go'),
  }
  return { attempt: new RemoteAttempt({ attempts: 1 } as Task, 0, ends), told }
}

const later = <T>(value: T) => new Promise<T>(resolve => setImmediate(resolve, value))
const unfit = new Error('unfit')

describe('what a remote makes of a datum', () => {
  it.each([
    ['at once', () => []],
    ['by an asynchronous schema', () => later([])],
  ] as const)('counts once, whatever is said after it; outputs checked %s', async (_, stage) => {
    const { attempt: one, told } = attempt(stage)
    one.done([])
    one.failed(new Error('late'))
    one.done([])
    await later(undefined)
    one.abort()
    expect(told).toEqual(['succeeded'])
  })

  it('is a failure where it does not fit', async () => {
    const [now, then] = [
      attempt(() => {
        throw unfit
      }),
      attempt(() => Promise.reject(unfit)),
    ]
    for (const each of [now, then]) each.attempt.done([])
    await later(undefined)
    expect([now.told, then.told]).toEqual([['failed: unfit'], ['failed: unfit']])
  })

  it('does not count once the lease has ended, also where it is being checked', async () => {
    const { attempt: one, told } = attempt(() => later([]))
    one.done([])
    one.abort()
    await later(undefined)
    one.failed(new Error('late'))
    expect([told, one.aborted]).toEqual([['let go'], true])
  })
})
