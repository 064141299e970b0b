import * as kafka from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { Names } from '../../../src/stream/adapters/kafka/names.ts'
import { Reads } from '../../../src/stream/adapters/kafka/reads.ts'
import { Packing } from '../../../src/stream/adapters/kafka/wire/compression.ts'
import type { FetchCall } from '../../../src/stream/adapters/kafka/wire/fetch-call.ts'
import { errorCode } from './protocol-error.ts'
import { dataIn, foreignBatch, message } from './records.ts'
import { ScriptedCluster } from './scripted-cluster.ts'

const OFFSET_OUT_OF_RANGE = errorCode('OFFSET_OUT_OF_RANGE')
const OFFSET_NOT_AVAILABLE = errorCode('OFFSET_NOT_AVAILABLE')
const EARLIEST = -2n

/** What the leader answers to one fetch: the number of records it gives from offset 0 on, or an error. */
type Given = number | { readonly errorCode: number }

/** Reads of a log of `next` data whose leader answers its first fetches, and its first questions for the log's end, as told. */
function over(next: number, fetches: Given[], ends: (number | 'not known')[] = [], first = 0) {
  const asked = { fetches: 0, ends: 0 }
  const cluster = new ScriptedCluster({
    listOffsetsV7: async (_connection, _replica, _isolation, topics) => {
      const [{ name, partitions }] = topics as [(typeof topics)[number]]
      const isFirst = partitions[0]!.timestamp === EARLIEST
      const end = isFirst ? first : (ends.shift() ?? next)
      if (!isFirst) asked.ends++
      const [errorCode, offset] = end === 'not known' ? [OFFSET_NOT_AVAILABLE, -1n] : [0, BigInt(end)]
      return {
        throttleTimeMs: 0,
        topics: [{ name, partitions: [{ partitionIndex: 0, errorCode, timestamp: -1n, offset, leaderEpoch: 0 }] }],
      }
    },
  })
  cluster.add('demand')
  const fetch: FetchCall = async (_connection, [place]) => {
    asked.fetches++
    const given = fetches.shift() ?? next
    const errorCode = typeof given === 'object' ? given.errorCode : 0
    const from = place!.from
    const count = typeof given === 'object' ? 0 : given - from
    const records =
      count <= 0
        ? Buffer.alloc(0)
        : foreignBatch(
            Array.from({ length: count }, (_, i) => message(String(from + i))),
            from,
          )
    return { errorCode: 0, partitions: [{ topicId: 'id-of-demand', partition: 0, errorCode, aborted: [], records }] }
  }
  const reads = new Reads(cluster, new Names('', 'grid'), new Packing(kafka), fetch)
  return { reads, asked, cluster }
}

describe('a read that finds nothing', () => {
  it('is of the end where the log ends there', async () => {
    const { reads, asked, cluster } = over(3, [])
    expect(await reads.read('demand', 0, 3, 1e6)).toMatchObject({ first: 3, count: 0 })
    expect(asked).toEqual({ fetches: 1, ends: 1 })
    await cluster.close()
  })

  it('is asked again where the log goes on: a leader that is new to it does not know yet all that was acknowledged', async () => {
    const { reads, cluster } = over(3, [0, 0], ['not known', 3])
    const read = await reads.read('demand', 0, 0, 1e6)
    expect(dataIn(read).map(({ text }) => text)).toEqual(['0', '1', '2'])
    expect(await reads.appendedMs('demand', 0, 0)).toBeGreaterThan(0)
    await cluster.close()
  })

  it('is asked again also where retention has passed the offset and something is left', async () => {
    const { reads, cluster } = over(3, [{ errorCode: OFFSET_OUT_OF_RANGE }, 2, { errorCode: OFFSET_OUT_OF_RANGE }], [], 2)
    const read = await reads.read('demand', 0, 0, 1e6)
    expect(dataIn(read).map(({ offset }) => offset)).toEqual([2])
    await cluster.close()
  })

  it('costs no further question where there is something', async () => {
    const { reads, asked, cluster } = over(3, [])
    expect((await reads.read('demand', 0, 1, 1e6)).count).toBe(2)
    expect(asked).toEqual({ fetches: 1, ends: 0 })
    await cluster.close()
  })
})
