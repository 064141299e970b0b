import { MillraceError } from '../../errors.ts'
import type { Group, Lease } from '../../stream/stream.ts'
import type { Moving } from './moving.ts'

/** A broker gives members that are expected some seconds to come, and one that has died its session's length to come back. */
const JOIN_MS = 60_000

/**
 * Joins a group alone, does a step under its lease, and leaves.
 * @throws the signal's reason; MOVE_REFUSED where another member has some of its partitions: a process runs there.
 */
export async function alone(
  { stream, clock, signal }: Pick<Moving, 'stream' | 'clock' | 'signal'>,
  group: Group,
  topics: readonly string[],
  step: (lease: Lease) => Promise<void>,
): Promise<void> {
  const wanted = (await Promise.all(topics.map(topic => stream.bounds(topic)))).reduce((sum, bounds) => sum + bounds.length, 0)
  // A signal that has aborted tells no listener.
  signal.throwIfAborted()
  const subscription = stream.subscribe(group, topics, 'earliest')
  let done = false
  let late = false
  // Whether it could leave in order is nothing that whoever gives up can mend.
  const giveUp = () => void subscription.close().catch(() => undefined)
  const cancel = clock.after(JOIN_MS, () => {
    late = true
    giveUp()
  })
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    for await (const lease of subscription) {
      // A generation that others of the group share, or one that has ended already; a member that died is given up by the broker in time.
      if (lease.partitions.length < wanted || lease.signal.aborted) continue
      await step(lease)
      done = true
      break
    }
  } finally {
    cancel()
    signal.removeEventListener('abort', giveUp)
    // What went wrong before is what has to be told; a member that did not leave in order is given up by the broker in time.
    if (!done) await subscription.close().catch(() => undefined)
  }
  if (done) return subscription.close()
  signal.throwIfAborted()
  if (!late) throw new MillraceError('MOVE_REFUSED', `The group ${group.name} was ended on the stream.`, { fix: 'Move again.' })
  throw new MillraceError(
    'MOVE_REFUSED',
    `After ${JOIN_MS / 1_000} s another process still has a part of the group ${group.name} on the stream.`,
    {
      fix: 'Stop every process of the pipeline that runs on this stream, and move again.',
    },
  )
}
