import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { viewEmbedded } from '../../src/engine/embedded/index.ts'
import { Harness, until } from './harness.ts'
import { seeded, seedOf } from './random.ts'

/** Flips one bit in the middle of the first batch of readings/0, as a failing disk would. @returns the batch's first offset. */
function flipBit(data: string): number {
  const db = new DatabaseSync(join(data, 'millrace.db'))
  try {
    const row = db
      .prepare(
        `SELECT seq, first, frames FROM batches JOIN places USING (place) JOIN topics USING (topic)
         WHERE name = 'readings' AND partition = 0 ORDER BY first LIMIT 1`,
      )
      .get() as { seq: number; first: number; frames: Uint8Array } // the engine's own columns
    row.frames[row.frames.length >> 1]! ^= 4
    db.prepare('UPDATE batches SET frames = ? WHERE seq = ?').run(row.frames, row.seq)
    return row.first
  } finally {
    db.close()
  }
}

it('a corrupted byte in the log is found, and named by topic, partition and offset', { timeout: 60_000 }, async () => {
  await using harness = new Harness(seeded(seedOf('corrupt-byte')))
  const before = harness.start()
  harness.send()
  await until('there is something to damage', 20_000, () => harness.acknowledged > 300)
  await harness.finish()
  await harness.rest(20_000)
  expect(await before.stop()).toBe(0)
  const first = flipBit(harness.data)

  const named = `Topic 'readings', partition 0, offset ${first}`
  const view = await viewEmbedded(harness.data)
  try {
    await expect(view.read('readings', 0, first, 1_000_000)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining(named),
    })
  } finally {
    await view.close()
  }

  // An agent that has to read it does not go on beyond it, and says so.
  const after = harness.start(undefined, [], { FAULT_LATE_AGENT: '1' })
  const { operators } = await after.ready
  await until('the agent says what is damaged', 20_000, () => after.errors.includes(named))
  await until('the process is not ready', 20_000, async () => {
    const health = await fetch(`${operators}/health/ready`)
    return health.status === 503 && (await health.text()).includes(named)
  })
  const ledger = (await (await fetch(`${operators}/v1/ledger`)).json()) as { rows: Record<string, unknown>[] } // the documented answer
  const late = ledger.rows.find(row => row.agent === 'late' && row.topic === 'readings' && row.partition === 0)
  expect(late).toMatchObject({ committed: 0, lost: 0 })
})
