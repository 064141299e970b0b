import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import { expect, it, onTestFinished } from 'vitest'
import type { ClaimedWork, WorkDesk } from '../../../src/agents/remote.ts'
import { MillraceError } from '../../../src/errors.ts'
import { DeskPort, serveDesk } from '../../../src/runtime/attach/desk-port.ts'

const never = new AbortController().signal

function joined(desk: Partial<WorkDesk>) {
  const { port1, port2 } = new MessageChannel()
  serveDesk({ claim: async () => undefined, commit: async () => '', release: () => undefined, ...desk }, port2)
  onTestFinished(() => port1.close())
  return { calls: new DeskPort('mood@1', port1), port: port2 }
}

it('carries claims, commits and what is given back, with their answers', async () => {
  const said: unknown[] = []
  const { calls } = joined({
    claim: async (most, waitMs) => ({ claim: 'c', json: Uint8Array.of(most, waitMs) }),
    commit: async body => Buffer.from(body).toString(),
    release: claim => said.push(claim),
  })
  expect(await calls.claim(3, 40, never)).toEqual({ claim: 'c', json: Uint8Array.of(3, 40) })
  const pooled = Buffer.from('of a larger buffer')
  expect(await calls.commit(pooled.subarray(0, 4))).toBe('of a')
  // What it was made of is still its owner's.
  expect(pooled.toString()).toBe('of a larger buffer')
  calls.release('c')
  await expect.poll(() => said).toEqual(['c'])
})

it('carries errors as they are', async () => {
  const { calls } = joined({
    commit: async () => {
      throw new MillraceError('LEASE_LOST', 'It is gone.', { fix: 'Claim again.' })
    },
  })
  await expect(calls.commit(Buffer.from('x'))).rejects.toMatchObject({
    code: 'LEASE_LOST',
    status: 409,
    message: 'It is gone. Claim again.',
  })
})

it('tells the desk of one who has gone, and hears what it had for him', async () => {
  const { calls } = joined({
    claim: (_most, _waitMs, gone) =>
      new Promise<ClaimedWork | undefined>(resolve => {
        gone.addEventListener('abort', () => resolve({ claim: 'too late', json: new Uint8Array() }))
      }),
  })
  const gone = new AbortController()
  const waiting = calls.claim(1, 1_000, gone.signal)
  gone.abort()
  expect(await waiting).toMatchObject({ claim: 'too late' })
})

it('tells whoever waits when the thread on the other side ends, and whoever comes after', async () => {
  const { calls, port } = joined({ claim: () => new Promise(() => undefined), commit: () => new Promise(() => undefined) })
  const waiting = [calls.claim(1, 1_000, never), calls.commit(Buffer.from('x'))]
  const outcomes = Promise.all(waiting.map(call => call.then(String, error => error.code)))
  port.close()
  await once(port, 'close')
  expect(await outcomes).toEqual(['AGENT_AWAY', 'AGENT_AWAY'])
  await expect(calls.claim(1, 0, never)).rejects.toMatchObject({ code: 'AGENT_AWAY' })
})
