/**
 * A process with an engine on disk and a storage agent that stores in a SQLite file, which a test kills: `directory file data`. It appends so many data,
 * says on stdout the ids that are acknowledged, a line each, then `stored` when all that the log holds is done, and ends.
 */
import { z } from 'zod'
import { systemClock } from '../../../src/clock.ts'
import { openEmbedded } from '../../../src/engine/embedded/index.ts'
import { silentRecorder } from '../../../src/instrumentation/recorder.ts'
import { pipeline } from '../../../src/pipeline.ts'
import { sqlite } from '../../../src/storage/adapters/sqlite/index.ts'
import { runStorageAgent } from '../../../src/storage/roller.ts'
import { storageAgent } from '../../../src/storage/storage.ts'
import { topic } from '../../../src/stream/topic.ts'
import { eventually } from '../../../src/testing/framework.ts'
import { send } from '../../../src/testing/send.ts'

const BATCH = 100
const numbers = topic('numbers', z.object({ n: z.number() }), { partitions: 1 })
const [, , directory = '', file = '', data = '0'] = process.argv
const engine = await openEmbedded({ directory })
await engine.ensure([numbers.spec])
const store = storageAgent('store', { version: 1, from: numbers, to: sqlite(file, { roll: { records: 700, age: 0 } }) })
const context = { engine, clock: systemClock, recorder: silentRecorder }
const running = runStorageAgent(store, pipeline('p', { agents: [store] }), context)

for (let sent = 0; sent < Number(data); sent += BATCH) {
  const receipts = await send(
    engine,
    numbers,
    Array.from({ length: BATCH }, (_, n) => ({ n })),
    Date.now(),
  )
  process.stdout.write(receipts.map(({ dataId }) => `${dataId}\n`).join(''))
}
await eventually('all is stored', async () => {
  const [bounds] = await engine.bounds(numbers.name)
  const standing = (await engine.standings()).find(({ group, topic }) => group === 'store@1' && topic === numbers.name)
  return standing?.checkpoint.done === bounds?.next ? true : undefined
})
process.stdout.write('stored\n')
await running.stop(1_000)
await engine.close()
