import { describe, expect, it } from 'vitest'
import { formatOutputs, markTail, parseMark, parseOutputs, parsePositions, timeOf } from '../../../src/trace/adapters/redis/mark-text.ts'

describe('a mark’s text', () => {
  it('is read as it was written', () => {
    const text = `1000 2000 dead supply/3/77${markTail(4, 'AbC_-1', 'Error: no = model at=7 a/1/2')}`
    expect(parseMark('forecast@12', text)).toEqual({
      ...{ name: 'forecast', version: 12, state: 'dead', claimedMs: 1000, finishedMs: 2000, attempts: 4, unit: 'AbC_-1' },
      ...{ at: { topic: 'supply', partition: 3, offset: 77 }, reason: 'Error: no = model at=7 a/1/2' },
    })
    expect(parseMark('a@1', `1000 2000 done${markTail(1, '')}`)).toEqual({
      ...{ name: 'a', version: 1, state: 'done', claimedMs: 1000, finishedMs: 2000, attempts: 1 },
    })
    expect(parseMark('a@1', '1000')).toEqual({ name: 'a', version: 1, state: 'claimed', claimedMs: 1000, attempts: 1 })
  })

  it('keeps a reason in one line, and not all of a long one', () => {
    expect(markTail(1, '', 'a\nb\r\n\tc')).toBe(' reason=a b c')
    expect(markTail(1, '', 'x'.repeat(10_000)).length).toBeLessThan(400)
  })

  it('is not read out of other fields', () => {
    for (const field of ['created', 'source', 'at', '@1', 'mood@', 'mood@x']) expect(parseMark(field, '1000 2000 done')).toBeUndefined()
  })

  it('holds times as milliseconds or RFC 3339', () => {
    expect(['1795593601000', '2026-11-25T09:00:01+01:00', 'yesterday', ''].map(timeOf)).toEqual([
      1_795_593_601_000, 1_795_593_601_000, 0, 0,
    ])
  })

  it('names positions and outputs of topics that have dots, dashes and digits', () => {
    expect(parsePositions('a.b-1/0/5 1000, _replay.mood@1/2/9007199254740991 2000')).toEqual([
      { topic: 'a.b-1', partition: 0, offset: 5, appendedMs: 1000 },
      { topic: '_replay.mood@1', partition: 2, offset: 9_007_199_254_740_991, appendedMs: 2000 },
    ])
    const outputs = [
      { topic: 'a-1', partition: 0, first: 5, end: 9 },
      { topic: 'b', partition: 12, first: 0, end: 1 },
    ]
    expect(parseOutputs(formatOutputs(outputs))).toEqual(outputs)
    expect(parsePositions('')).toEqual([])
    expect(parseOutputs('')).toEqual([])
  })
})
