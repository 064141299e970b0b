import { createInterface } from 'node:readline'
import { isMillraceError } from '../../../src/errors.ts'
import { openKafka } from '../../../src/stream/adapters/kafka/index.ts'
import type { Lease } from '../../../src/stream/stream.ts'
import { MEMBERS, type Said } from './member-process-protocol.ts'

/*
 * A member of a group in a process of its own, to be killed, stopped and continued: node member-process.ts BROKER PREFIX SESSION_MS.
 * It says each lease it is given. Told `commit` it moves the first place of its latest lease by one, and says what became of it.
 */
const [broker, prefix, sessionMs] = process.argv.slice(2) as [string, string, string]
const say = (said: Said) => process.stdout.write(`${JSON.stringify(said)}\n`)
const stream = await openKafka({ brokers: [broker], pipeline: MEMBERS.pipeline, prefix, sessionTimeoutMs: Number(sessionMs) })
const subscription = stream.subscribe(MEMBERS.group, [MEMBERS.topic], 'earliest')
let latest: Lease | undefined

createInterface({ input: process.stdin }).on('line', async line => {
  if (line === 'close') {
    await subscription.close()
    await stream.close()
    process.exit(0)
  }
  const [place] = latest?.partitions ?? []
  if (latest === undefined || place === undefined) return say({ committed: 'NO_LEASE' })
  const checkpoint = { ...place.checkpoint, offset: place.checkpoint.offset + 1, done: place.checkpoint.done + 1 }
  const outcome = await latest.commit([{ ...place, from: place.checkpoint.offset, checkpoint }]).then(
    () => 'moved',
    (error: unknown) => (isMillraceError(error) ? error.code : String(error)),
  )
  say({ committed: outcome })
})

for await (const lease of subscription) {
  latest = lease
  say({ lease: lease.partitions.map(place => place.partition) })
}
