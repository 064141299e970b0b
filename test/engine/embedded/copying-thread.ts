import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { connectEmbedded } from '../../../src/engine/embedded/index.ts'
import type { Assigned, Lease } from '../../../src/stream/stream.ts'
import { further } from '../../../src/testing/suite-data.ts'
import { doneAt, unit } from '../../../src/testing/unit-of-work.ts'

/* Copies topic `in` to topic `out`, partition by partition, until it is told to stop. */

// Given by threads.test.ts.
const { directory, port } = workerData as { readonly directory: string; readonly port: MessagePort }
const engine = connectEmbedded({ directory, port })
const subscription = engine.subscribe({ name: 'copy@1', edition: 1 }, ['in'], 'earliest')
parentPort?.once('message', async () => {
  await subscription.close()
  await engine.close()
})

async function copy(lease: Lease, { partition, checkpoint: begin }: Assigned): Promise<void> {
  const place = { topic: 'in', partition }
  for (let checkpoint = begin; ; ) {
    const batch = await lease.fetch(place, checkpoint.offset, 1)
    if (batch === undefined) return
    const { frames, count, ascii } = batch
    const next = further(checkpoint, count)
    await engine.commit(
      unit(lease, {
        agent: { name: 'copy', version: 1 },
        outputs: [{ topic: 'out', partition, frames, count, ascii }],
        marks: [doneAt(checkpoint.offset, next.offset, place)],
        checkpoints: [{ ...place, from: checkpoint.offset, checkpoint: next }],
      }),
    )
    checkpoint = next
  }
}

for await (const lease of subscription) await Promise.all(lease.partitions.map(place => copy(lease, place)))
