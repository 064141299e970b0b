import { describe, expect, it } from 'vitest'
import { base64Of, inexactNumbers, textOf, whyNotJson } from '../../../src/console/web/pages/dead-letters/datum-text.ts'
import { askedOf, bodyOf, filterIn, flagsOf, isNarrowed } from '../../../src/console/web/pages/dead-letters/filter.ts'

describe('which letters are meant', () => {
  const filter = filterIn(new URLSearchParams("agent=forecast@2&matching=it's late"))

  it('is asked of the API by name and version', () => {
    expect(askedOf(filter, { limit: '100' }).toString()).toBe('agent=forecast&version=2&matching=it%27s+late&limit=100')
    expect(bodyOf(filter)).toEqual({ agent: 'forecast', version: 2, matching: "it's late" })
  })

  it('is typed as the same flags, quoted for a shell', () => {
    expect(flagsOf(filter)).toBe(` --agent forecast@2 --matching 'it'\\''s late'`)
    expect(flagsOf({ agent: '', topic: '', matching: '', fingerprint: '3f9a1c07e2' })).toBe(' --group 3f9a1c07e2')
  })

  it('is all of them where nothing is named', () => {
    const all = filterIn(new URLSearchParams())
    expect([isNarrowed(all), flagsOf(all), askedOf(all).toString()]).toEqual([false, '', ''])
    expect(isNarrowed({ ...all, fingerprint: '3f9a1c07e2' })).toBe(true)
  })
})

describe('a datum that a person edits', () => {
  it('is sent as the bytes of exactly what was typed', () => {
    const typed = '{ "city": "Zürich",\n "n": 1.0 }'
    expect(Buffer.from(base64Of(typed, false), 'base64').toString()).toBe(typed)
  })

  it('stays Base64 where it is no JSON, line breaks apart', () => {
    expect(textOf({ data: '/wD+' })).toBe('/wD+')
    expect(base64Of('/wD+\n', true)).toBe('/wD+')
  })

  it('says why it is not JSON', () => {
    expect(whyNotJson('{"a": 1}')).toBeUndefined()
    expect(whyNotJson('{"a": }')).toMatch(/token/)
  })

  it('warns of whole numbers that have been through a double, and not of digits in a text', () => {
    expect(inexactNumbers('{"id": 9007199254740993, "ok": 9007199254740991, "text": "9007199254740993 \\" 1"}')).toEqual([
      '9007199254740993',
    ])
    expect(inexactNumbers('{"share": 0.1234567890123456789}')).toEqual([])
  })
})
