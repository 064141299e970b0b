import { serialize } from 'bson'
import { pack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { decodeData, isJsonType } from '../../src/envelope/content.ts'
import { isMillraceError } from '../../src/errors.ts'

const json = Buffer.from('{"station":"é","megawatts":1.5}')
const value = { station: 'é', megawatts: 1.5 }

function refused(contentType: string, data: Buffer, text?: () => string): string {
  try {
    decodeData(contentType, data, text)
  } catch (error) {
    if (isMillraceError(error, 'BODY_MALFORMED')) return error.message
    throw error
  }
  return 'accepted'
}

describe('data by their content type', () => {
  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON', 'application/ld+json'])(
    '%s is parsed as JSON',
    type => {
      expect(isJsonType(type)).toBe(true)
      expect(decodeData(type, json)).toEqual(value)
    },
  )

  it.each(['application/msgpack', 'application/vnd.msgpack', 'application/x-msgpack'])('%s is unpacked', type => {
    expect(decodeData(type, Buffer.from(pack(value)))).toEqual(value)
    expect(isJsonType(type)).toBe(false)
  })

  it('a 64-bit integer is a number where that is exact and a bigint where not', () => {
    expect(decodeData('application/msgpack', Buffer.from(pack([2n ** 40n, 2n ** 60n])))).toEqual([2 ** 40, 2n ** 60n])
  })

  it('application/bson is a document, its binary bytes', () => {
    expect(decodeData('application/bson', Buffer.from(serialize({ ...value, frame: Buffer.from('x') })))).toEqual({
      ...value,
      frame: Buffer.from('x'),
    })
  })

  it('text is text, anything else the very bytes', () => {
    expect(decodeData('text/csv; charset=utf-8', Buffer.from('é,1'))).toBe('é,1')
    const picture = Buffer.from([0xff, 0xd8])
    expect(decodeData('image/jpeg', picture)).toBe(picture)
    expect(decodeData('', picture)).toBe(picture)
  })

  it('the text that a caller has already is used instead of the bytes', () => {
    expect(decodeData('application/json', Buffer.alloc(0), () => '[1]')).toEqual([1])
  })

  it('what does not decode is refused with what was expected', () => {
    expect(refused('application/json', Buffer.from('{"a":'))).toContain('Expected JSON')
    expect(refused('application/json', Buffer.alloc(0))).toContain('Expected JSON')
    expect(refused('application/msgpack', Buffer.from([0x92, 1]))).toContain('Expected MessagePack')
    expect(refused('application/bson', Buffer.from([1, 2]))).toContain('Expected a BSON document')
  })

  it('bytes that are not UTF-8 are refused and never replaced, also where the caller decoded them', () => {
    const invalid = Buffer.from([0x22, 0xff, 0x22])
    expect(refused('application/json', invalid)).toContain('Expected UTF-8')
    expect(refused('text/plain', invalid)).toContain('Expected UTF-8')
    expect(refused('application/json', invalid, () => invalid.toString())).toContain('Expected UTF-8')
    expect(decodeData('application/json', Buffer.from('"\uFFFD"'))).toBe('\uFFFD')
  })

  it('lengths that a few bytes claim cost no memory, and depth no crash', () => {
    const claims = Buffer.concat(Array.from({ length: 5_000 }, () => Buffer.from([0xdd, 0x00, 0xff, 0xff, 0xff])))
    expect(refused('application/msgpack', claims)).toContain('Expected MessagePack')
    expect(refused('application/msgpack', Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]))).toContain('Expected MessagePack')
    expect(refused('application/msgpack', Buffer.alloc(200_000, 0x91))).toContain('Expected MessagePack')
  })

  it.each([
    ['application/json', Buffer.from('{"__proto__":{"admin":true}}')],
    ['application/msgpack', Buffer.from(pack(JSON.parse('{"__proto__":{"admin":true}}')))],
    ['application/bson', Buffer.from(serialize(JSON.parse('{"__proto__":{"admin":true}}')))],
  ])('a __proto__ key in %s reaches no prototype', (type, data) => {
    const decoded = decodeData(type, data)
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
    expect((decoded as { admin?: boolean }).admin).toBeUndefined()
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })
})
