import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkpointText, editionIn, readCommitted } from '../../../src/stream/adapters/kafka/group/checkpoint-text.ts'
import { begun } from '../../../src/stream/checkpoint.ts'
import type { Checkpoint } from '../../../src/stream/stream.ts'

const TOPIC_ID = 'f47ac10b-58cc-4372-a567-0e02b2c3d479'
const count = fc.maxSafeNat()
const checkpoint: fc.Arbitrary<Checkpoint> = fc.record(
  {
    offset: count,
    first: count,
    done: count,
    dead: count,
    duplicate: count,
    lost: count,
    edition: count,
    intent: fc.record({ first: count, end: count }),
    snapshot: count,
    foldFrom: count,
  },
  { requiredKeys: ['offset', 'first', 'done', 'dead', 'duplicate', 'lost', 'edition'] },
)

describe('a checkpoint beside a committed offset', () => {
  it('comes back as it was, within what brokers take', () => {
    fc.assert(
      fc.property(checkpoint, one => {
        const text = checkpointText(one, TOPIC_ID)
        expect(Buffer.byteLength(text)).toBeLessThan(1_024)
        expect(readCommitted(one.offset, text, 99)).toEqual({ checkpoint: one, topicId: TOPIC_ID })
        expect(editionIn(text)).toBe(one.edition)
      }),
    )
  })

  it.each([null, undefined, '', 'kafka-ui', '{}', '{"topic_id":1}', '[', '{"topic_id":"x","first":0,"done":"many"}'])(
    'begins anew at the offset where somebody else has set it: %s',
    metadata => {
      expect(readCommitted(41, metadata, 3)).toEqual({ checkpoint: begun(41, 3), topicId: undefined })
      expect(editionIn(metadata)).toBeUndefined()
    },
  )
})
