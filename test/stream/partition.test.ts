import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mint, parseId } from '../../src/envelope/data-id.ts'
import { partitionOfId, partitionOfKey } from '../../src/stream/partition.ts'

const partitions = fc.integer({ min: 1, max: 1024 })

describe('the partition of a key', () => {
  // From Apache Kafka, clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, testMurmur2.
  it.each([
    ['21', -973_932_308],
    ['foobar', -790_332_482],
    ['a-little-bit-long-string', -985_981_536],
    ['a-little-bit-longer-string', -1_486_304_829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
    ['abc', 479_470_107],
  ])('%s is where a Kafka producer would put it', (key, hash) => {
    for (const count of [1, 2, 3, 4, 12, 1024, 2 ** 31]) expect(partitionOfKey(key, count)).toBe((hash & 0x7fffffff) % count)
  })

  it('is in range and the same each time, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), partitions, (key, count) => {
        const partition = partitionOfKey(key, count)
        expect(Number.isInteger(partition) && partition >= 0 && partition < count).toBe(true)
        expect(partitionOfKey(key, count)).toBe(partition)
      }),
    )
  })
})

describe('the partition of an id', () => {
  it('is in range and the same wherever the id lies', () => {
    fc.assert(
      fc.property(fc.uuid(), partitions, fc.nat(20), (id, count, at) => {
        const partition = partitionOfId(parseId(id), 0, count)
        expect(Number.isInteger(partition) && partition >= 0 && partition < count).toBe(true)
        expect(partitionOfId(Buffer.concat([Buffer.alloc(at), parseId(id)]), at, count)).toBe(partition)
      }),
    )
  })

  it('spreads ids of one millisecond', () => {
    const counts = [0, 0, 0, 0]
    for (let i = 0; i < 4_000; i++) counts[partitionOfId(parseId(mint(1)), 0, 4)]!++
    // 1,000 each on average; 200 below is more than seven standard deviations.
    for (const count of counts) expect(count).toBeGreaterThan(800)
  })
})
