import { randomBytes } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { SNAPSHOTS } from '../../../src/engine/distributed/internal-topics.ts'
import { Snapshots } from '../../../src/engine/distributed/snapshots.ts'
import { openKafka } from '../../../src/stream/adapters/kafka/index.ts'
import { DEMAND } from '../../../src/testing/unit-of-work.ts'
import { servers } from '../../servers/shared.ts'

it('a snapshot larger than any batch that Kafka takes comes back as it was', async () => {
  const pipeline = `snap${randomBytes(6).toString('hex')}`
  const stream = await openKafka({ brokers: [servers().kafka], pipeline, prefix: `${pipeline}.` })
  onTestFinished(() => stream.close())
  await stream.ensure([SNAPSHOTS])
  const bytes = randomBytes(24_000_000)
  const pointer = await new Snapshots(stream).append({ ...DEMAND, group: 'forecast@2', offset: 3, bytes }, Date.now())
  const found = await new Snapshots(stream).read('forecast@2', DEMAND, pointer, 3)
  expect([found?.offset, Buffer.compare(Buffer.from(found?.bytes ?? []), bytes)]).toEqual([3, 0])
})
