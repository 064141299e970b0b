import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Deriver, formatId, idTimeMs, isDataId, mint, mintInto, parseId, suppliedId } from '../../src/envelope/data-id.ts'
import { uuid } from './arbitraries.ts'

const CAUSE = parseId('01941f29-7c00-7a5e-8c3b-0123456789ab')
const timeMs = fc.integer({ min: 0, max: 2 ** 48 - 1 })

function derived(agent = 'forecast', edition = 2, topic = 'prediction', cause: Uint8Array = CAUSE, index = 0): string {
  const target = Buffer.alloc(16)
  new Deriver(agent, edition, topic).into(target, 0, cause, 0, index)
  return formatId(target, 0)
}

describe('minted ids', () => {
  it('are UUIDv7: version, variant, and the millisecond in front', () => {
    fc.assert(
      fc.property(timeMs, ms => {
        const id = mint(ms)
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        expect(idTimeMs(parseId(id), 0)).toBe(ms)
      }),
    )
  })

  it('sort by the time they were minted at, as text and as bytes', () => {
    fc.assert(
      fc.property(timeMs, timeMs, (a, b) => {
        fc.pre(a !== b)
        const [early, late] = [mint(Math.min(a, b)), mint(Math.max(a, b))]
        expect(early < late).toBe(true)
        expect(Buffer.compare(parseId(early), parseId(late))).toBe(-1)
      }),
    )
  })

  it('differ, within one millisecond and beyond one refill of random bytes', () => {
    expect(new Set(Array.from({ length: 20_000 }, () => mint(1))).size).toBe(20_000)
  })

  it('touch only their own 16 bytes', () => {
    const target = Buffer.alloc(48, 0xaa)
    mintInto(target, 16, 1)
    expect(target.subarray(0, 16).every(byte => byte === 0xaa) && target.subarray(32).every(byte => byte === 0xaa)).toBe(true)
  })
})

describe('derived ids', () => {
  it('are UUIDv8 with the cause’s first 48 bits, then SHA-256 of cause, agent, edition, topic and index', () => {
    const index = Buffer.alloc(4)
    index.writeUInt32LE(7)
    const digest = createHash('sha256').update(CAUSE).update('\0forecast\x002\0prediction\0').update(index).digest()
    digest[0] = (digest[0]! & 0x0f) | 0x80
    digest[2] = (digest[2]! & 0x3f) | 0x80
    expect(derived('forecast', 2, 'prediction', CAUSE, 7)).toBe(formatId(Buffer.concat([CAUSE.subarray(0, 6), digest.subarray(0, 10)]), 0))
  })

  it('are the same whenever and wherever an agent is run again', () => {
    fc.assert(
      fc.property(uuid, fc.nat(0xffff_ffff), fc.nat(40), (cause, index, at) => {
        const target = Buffer.alloc(60)
        const held = Buffer.concat([Buffer.alloc(at), parseId(cause)])
        new Deriver('a', 1, 't').into(target, at, held, at, index)
        expect(formatId(target, at)).toBe(derived('a', 1, 't', parseId(cause), index))
        expect(formatId(target, at)).toMatch(/^.{14}8.{4}[89ab]/)
        expect(idTimeMs(target, at)).toBe(idTimeMs(parseId(cause), 0))
      }),
    )
  })

  it('differ by agent, edition, topic, index and cause', () => {
    const other = parseId('01941f29-7c00-7a5e-8c3b-0123456789ac')
    const ids = [
      derived(),
      derived('forecasts'),
      derived('forecast', 3),
      derived('forecast', 2, 'predictions'),
      derived('forecast', 2, 'prediction', other),
      derived('forecast', 2, 'prediction', CAUSE, 1),
      derived('forecast', 2, 'prediction', CAUSE, 0x1_0000),
    ]
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('one deriver serves many data: nothing of one stays for the next', () => {
    const deriver = new Deriver('forecast', 2, 'prediction')
    const target = Buffer.alloc(16)
    deriver.into(target, 0, parseId(mint(5)), 0, 9)
    deriver.into(target, 0, CAUSE, 0, 0)
    expect(formatId(target, 0)).toBe(derived())
  })
})

describe('ids that a producer supplied', () => {
  it('are kept where they are a UUID v4 or v7, in capitals too', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uuid({ version: 4 }), fc.uuid({ version: 7 })), fc.string(), (id, source) => {
        expect(formatId(suppliedId(source, id), 0)).toBe(id)
        expect(formatId(suppliedId(source, id.toUpperCase()), 0)).toBe(id)
      }),
    )
  })

  it('become UUIDv8 of source and id where they are anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.uuid({ version: [1, 3, 5, 6, 8] })), fc.string(), (id, source) => {
        const made = formatId(suppliedId(source, id), 0)
        expect(made).toMatch(/^.{14}8.{4}[89ab]/)
        expect(formatId(suppliedId(source, id), 0)).toBe(made)
        expect(formatId(suppliedId(`${source}.`, id), 0)).not.toBe(made)
        expect(formatId(suppliedId(source, `${id}.`), 0)).not.toBe(made)
      }),
    )
  })
})

it('ids go to bytes and back', () => {
  fc.assert(
    fc.property(uuid, id => {
      expect(formatId(parseId(id), 0)).toBe(id)
      expect(isDataId(id)).toBe(true)
    }),
  )
  for (const text of ['', 'x', '01941F29-7c00-7a5e-8c3b-0123456789ab', '01941f297c007a5e8c3b0123456789ab', `${formatId(CAUSE, 0)}0`])
    expect(isDataId(text)).toBe(false)
})
