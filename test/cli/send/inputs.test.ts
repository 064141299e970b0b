import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ColumnType, csv } from '../../../src/cli/send/csv.ts'
import { jsonArray } from '../../../src/cli/send/json-array.ts'
import { type InputRecord, ndjson } from '../../../src/cli/send/lines.ts'

type Shown = [line: number, text: string]

async function shown(records: AsyncIterable<readonly InputRecord[]>): Promise<Shown[]> {
  const all = (await Array.fromAsync(records)).flat()
  return all.map(record => [record.line, 'problem' in record ? record.problem : record.data.toString('utf8')])
}

/** The bytes in pieces of a size, as a stream may cut them anywhere. */
async function* cut(text: string | Buffer, size = 7): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('NDJSON', () => {
  it('is cut at line ends alone, wherever the stream is cut, and keeps the numbers of the lines', async () => {
    const text = '\ufeff{"a":1}\r\n\n  \n{"b":"x\u2028y"}\n{"c":"é"}'
    for (const size of [1, 2, 3, 5, 100]) {
      expect(await shown(ndjson(cut(text, size)))).toEqual([
        [1, '{"a":1}'],
        [4, '{"b":"x\u2028y"}'],
        [5, '{"c":"é"}'],
      ])
    }
  })

  it('passes bytes that are not UTF-8 on as they are, for the front end to judge', async () => {
    const bytes = Buffer.from([0x22, 0xff, 0x22, 0x0a])
    const records = (await Array.fromAsync(ndjson(cut(bytes)))).flat()
    expect(records).toEqual([{ line: 1, data: bytes.subarray(0, 3) }])
  })
})

describe('a JSON array', () => {
  it('is cut into its elements byte for byte', async () => {
    const text = ' [ {"a":[1,{"b":"],}\\""}]} , 12345678901234567890,"x", null ] \n'
    for (const size of [1, 4, 100]) {
      expect(await shown(jsonArray(cut(text, size)))).toEqual([
        [1, '{"a":[1,{"b":"],}\\""}]}'],
        [2, '12345678901234567890'],
        [3, '"x"'],
        [4, 'null'],
      ])
    }
  })

  it('agrees with JSON.parse on any array, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 8 }), fc.integer({ min: 1, max: 50 }), async (values, size) => {
        const found = await shown(jsonArray(cut(JSON.stringify(values, null, 1), size)))
        expect(found.map(([, text]) => JSON.parse(text))).toEqual(JSON.parse(JSON.stringify(values)))
      }),
    )
  })

  it('may be one value that is no array', async () => {
    expect(await shown(jsonArray(cut('{"a": 1}\n')))).toEqual([[1, '{"a": 1}']])
  })

  it('that does not end is said, after what was whole was given', async () => {
    const given: Shown[] = []
    const reading = async () => {
      for await (const records of jsonArray(cut('[1,2,{"a"'))) given.push(...(await shown(once(records))))
    }
    await expect(reading()).rejects.toMatchObject({ code: 'BODY_MALFORMED', message: expect.stringContaining('ends inside the array') })
    expect(given).toEqual([
      [1, '1'],
      [2, '2'],
    ])
  })
})

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value
}

describe('CSV', () => {
  const read = (text: string, options: { fields?: [string, string][]; types?: [string, ColumnType][]; delimiter?: string } = {}) =>
    shown(csv(cut(text), { delimiter: options.delimiter ?? ',', fields: new Map(options.fields), types: new Map(options.types) }))

  it('becomes a datum a record, numbers and booleans recognised, empty cells left out', async () => {
    expect(await read('hour,region,megawatts,on\n2017-01-01T00:00,COMED,10197,true\n2017-01-01T01:00,DUQ,-1.5e3,\n')).toEqual([
      [2, '{"hour":"2017-01-01T00:00","region":"COMED","megawatts":10197,"on":true}'],
      [3, '{"hour":"2017-01-01T01:00","region":"DUQ","megawatts":-1500}'],
    ])
  })

  it('keeps as text what only looks like a number: leading zeros, and whole numbers beyond what a double holds', async () => {
    expect(await read('a,b,c,d\n00742,12345678901234567890,+5,1.\n')).toEqual([
      [2, '{"a":"00742","b":"12345678901234567890","c":"+5","d":"1."}'],
    ])
  })

  it('numbers records by the line they end on, quoted line breaks among them', async () => {
    expect(await read('a,b\n"x\ny",1\n"q""q",2\n')).toEqual([
      [3, '{"a":"x\\ny","b":1}'],
      [4, '{"a":"q\\"q","b":2}'],
    ])
  })

  it('renames and leaves out columns, and takes their types as told', async () => {
    const options = {
      fields: [
        ['mw', 'megawatts'],
        ['note', ''],
      ] as [string, string][],
      types: [['id', 'text']] as [string, ColumnType][],
    }
    expect(await read('id,mw,note\n7,1,x\n,2,y\n', options)).toEqual([
      [2, '{"id":"7","megawatts":1}'],
      [3, '{"id":"","megawatts":2}'],
    ])
  })

  it('reports a record with the wrong number of cells, or a cell of the wrong type, and goes on', async () => {
    expect(await read('a,b\n1\nx,2\n3,4\n', { types: [['a', 'number']] })).toEqual([
      [2, 'it has 1 cells and the header 2'],
      [3, "column 'a' is 'x', not a number"],
      [4, '{"a":3,"b":4}'],
    ])
  })

  it('makes a column called __proto__ an ordinary field', async () => {
    expect(await read('__proto__,a\n1,2\n')).toEqual([[2, '{"__proto__":1,"a":2}']])
  })

  it('says which columns there are when one that was named is not', async () => {
    await expect(read('a,b\n1,2\n', { types: [['c', 'number']] })).rejects.toMatchObject({
      code: 'USAGE',
      message: "The CSV has no column 'c'. Its header names: a, b.",
    })
  })

  it('names the line of a quote that never ends', async () => {
    await expect(read('a\n1\n2\n"3 x\n4')).rejects.toMatchObject({ code: 'BODY_MALFORMED', message: expect.stringContaining('line 5') })
  })
})
