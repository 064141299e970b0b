import { ConnectionPool, deleteGroupsV2 } from '@platformatic/kafka'
import { expect, it } from 'vitest'
import { placeOf } from '../../../src/testing/group-member.ts'
import { batch, spec, texts } from '../../../src/testing/suite-data.ts'
import { leaseOf, Streams } from './streams.ts'

const WATCH = { name: 'watch@1', edition: 1 }

/** As the brokers do by themselves, days after a group's last member has left. */
async function forget(streams: Streams, group: string): Promise<void> {
  const pool = new ConnectionPool('operator')
  const [host, port] = streams.broker.split(':') as [string, string]
  await deleteGroupsV2.api.async(await pool.get({ host, port: Number(port) }), [streams.group(group)])
  await pool.close()
}

it('a group whose offsets the brokers have forgotten begins at the earliest, wherever it once asked to begin: nothing is passed over', async () => {
  await using streams = new Streams()
  const stream = await streams.open()
  await stream.ensure([spec('demand')])
  await stream.append([batch('demand', 0, texts('before', 3))])
  const first = await leaseOf(stream, WATCH, ['demand'], 1, 'latest')
  expect(placeOf(first.lease, 'demand').checkpoint.offset).toBe(3)
  await first.close()
  await stream.append([batch('demand', 0, texts('meanwhile', 4))])
  await forget(streams, WATCH.name)
  const again = await leaseOf(await streams.open(), WATCH, ['demand'], 1, 'latest')
  expect(placeOf(again.lease, 'demand').checkpoint).toMatchObject({ offset: 0, first: 0 })
  await again.close()
  const other = await leaseOf(stream, { name: 'other@1', edition: 1 }, ['demand'], 1, 'latest')
  expect(placeOf(other.lease, 'demand').checkpoint.offset).toBe(7)
  await other.close()
})
