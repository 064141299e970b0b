import { expect, it } from 'vitest'
import { type EndableLease, LeaseMailbox } from '../../src/stream/lease-mailbox.ts'

/** What a mailbox uses of a lease. */
function lease(name: string): EndableLease & { ended: unknown } {
  const made = {
    name,
    ended: undefined as unknown,
    end(reason: Error) {
      made.ended = reason.message
    },
  }
  // Nothing else of a lease is looked at.
  return made as unknown as EndableLease & { ended: unknown }
}

it('hands out the latest lease, and none that ended before it was taken', async () => {
  const mailbox = new LeaseMailbox()
  const [first, second] = [lease('first'), lease('second')]
  mailbox.grant(first)
  mailbox.endLease(new Error('shared out anew'))
  mailbox.grant(second)
  const leases = mailbox.leases()
  expect((await leases.next()).value).toBe(second)
  expect(first.ended).toBe('shared out anew')
})

it('wakes who waits, once for each lease', async () => {
  const mailbox = new LeaseMailbox()
  const leases = mailbox.leases()
  const waiting = leases.next()
  const granted = lease('granted')
  mailbox.grant(granted)
  expect((await waiting).value).toBe(granted)
  const over = leases.next()
  expect(mailbox.close()).toBe(true)
  expect(await over).toEqual({ value: undefined, done: true })
  expect(mailbox.close()).toBe(false)
})

it('tells of what ends it for good', async () => {
  const mailbox = new LeaseMailbox()
  const waiting = mailbox.leases().next()
  mailbox.fail(new Error('gone'))
  await expect(waiting).rejects.toThrow('gone')
})
