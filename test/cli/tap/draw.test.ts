import { pack } from 'msgpackr'
import { expect, it } from 'vitest'
import { plain } from '../../../src/cli/output.ts'
import { filtered, jsonLine, textLine } from '../../../src/cli/tap/draw.ts'
import type { Place } from '../../../src/cli/tap/follow.ts'
import { FrameCursor, FrameWriter } from '../../../src/envelope/frame.ts'

function place(data: string | Uint8Array, contentType = 'application/json', source = 'meter'): Place {
  const writer = new FrameWriter()
  writer.add({
    id: new Uint8Array(16),
    idAt: 0,
    supplied: false,
    source: Buffer.from(source),
    createdMs: 0,
    contentType,
    type: '',
    key: '',
    parents: new Uint8Array(0),
    data,
  })
  const { frames, ascii } = writer.take()
  const cursor = new FrameCursor(frames, ascii)
  cursor.next()
  return { cursor, topic: 'load', partition: 0, offset: 7, appendedMs: 0 }
}

it('draws data of every kind, what JSON has no form for too', () => {
  const packed = place(pack({ big: 2n ** 60n, bytes: Buffer.from('abc') }), 'application/msgpack')
  const { value } = filtered(packed)
  expect(textLine(packed, value)).toMatch(/\{"big":"1152921504606846976","bytes":"YWJj"\}$/)
  expect(JSON.parse(jsonLine(packed, value))).toMatchObject({ offset: 7, data: { big: '1152921504606846976', bytes: 'YWJj' } })
  const raw = place(Buffer.from([1, 2]), 'image/png')
  expect(textLine(raw, filtered(raw).value)).toMatch(/image\/png, 2 bytes$/)
  expect(JSON.parse(jsonLine(raw, filtered(raw).value))).toMatchObject({ data: 'AQI=', content_type: 'image/png' })
})

it('draws nothing that a terminal would obey: a datum or its source cannot move the cursor or change the title', () => {
  const hostile = place('{"name":\r\n"\u009b2J\u202e"}', 'application/json', 'm\u009b31m')
  expect(textLine(hostile, filtered(hostile).value)).toMatch(/m\\u009b31m {2}\{"name": "\\u009b2J\\u202e"\}$/)
  expect(plain('a\u001b]0;title\u0007\tb\nc')).toBe('a\\u001b]0;title\\u0007\tb\nc')
})
