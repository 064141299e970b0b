import { describe, expect, it } from 'vitest'
import { Differences } from '../../src/compare/differences.ts'

const gather = (pairs: readonly (readonly [unknown, unknown])[], examples = 2) => {
  const differences = new Differences(examples)
  for (const [i, [a, b]] of pairs.entries()) differences.add(a, b, () => ({ dataId: String(i), index: 0 }))
  return differences.result()
}

describe('differences', () => {
  it('are told by field: numbers by how much, everything else by how often', () => {
    const { pairs, equal, fields } = gather([
      [
        { station: 'CE', mw: 10, parts: [1, 2] },
        { parts: [1, 2], mw: 13, station: 'CE' },
      ],
      [
        { station: 'CE', mw: 10, parts: [1, 2] },
        { station: 'CE', mw: 9, parts: [1, 2, 3] },
      ],
      [
        { station: 'CE', mw: 4, parts: [] },
        { station: 'N', mw: 4, parts: [] },
      ],
      [
        { station: 'CE', mw: 4, parts: [] },
        { station: 'CE', mw: 4, parts: [] },
      ],
    ])
    expect({ pairs, equal }).toEqual({ pairs: 4, equal: 1 })
    expect(fields).toEqual(
      expect.arrayContaining([
        { field: 'mw', numbers: 4, mean: 1, max: 3, bias: 0.5, different: 0 },
        { field: 'parts[2]', numbers: 0, mean: 0, max: 0, bias: 0, different: 1 },
        { field: 'station', numbers: 0, mean: 0, max: 0, bias: 0, different: 1 },
      ]),
    )
  })

  it('show those that differ most, in terms of the numbers themselves', () => {
    const { examples } = gather([
      [{ n: 1_000_000 }, { n: 1_000_100 }],
      [{ n: 1 }, { n: 3 }],
      [{ n: 5 }, { n: 5 }],
      [{ n: 'five' }, { n: 5 }],
    ])
    expect(examples.map(({ dataId }) => dataId)).toEqual(['3', '1'])
    expect(examples[1]!.values).toEqual([{ n: 1 }, { n: 3 }])
  })

  it('are known of outputs that are no objects, of bytes too', () => {
    expect(
      gather([
        [1, 2],
        ['a', 'a'],
      ]).fields,
    ).toEqual([{ field: '', numbers: 1, mean: 1, max: 1, bias: 1, different: 0 }])
    const { equal, examples } = gather([
      [Buffer.from([1]), Buffer.from([1])],
      [Buffer.from([1]), Buffer.from([2])],
    ])
    expect(equal).toBe(1)
    expect(examples[0]!.values).toEqual([{ base64: 'AQ==' }, { base64: 'Ag==' }])
  })

  it('are gathered in as many fields as fit, whatever the outputs are called', () => {
    const { fields } = gather(Array.from({ length: 1_000 }, (_, i) => [{ [`f${i}`]: 1 }, { [`f${i}`]: 2 }] as const))
    expect(fields).toHaveLength(201)
    expect(fields.at(-1)).toEqual({ field: '…', numbers: 800, mean: 1, max: 1, bias: 1, different: 0 })
  })
})
