import { describe, expect, it } from 'vitest'
import { fingerprintOf, messageShape } from '../../src/agents/fingerprint.ts'

const AGENT = { name: 'forecast', version: 2 }

function fingerprint(message: string, stack?: string, more: { code?: string; name?: string; version?: number } = {}): string {
  const { version = 2, name = 'Error', code } = more
  return fingerprintOf({
    agent: { ...AGENT, version },
    error: { name, message, ...(code === undefined ? {} : { code }), ...(stack === undefined ? {} : { stack }) },
  })
}

/** A stack as Node has it, thrown in the user's file at a line. */
function stackAt(line: number, path = '/app/pipeline.ts'): string {
  return `Error: no\n    at readScale (file://${path}?millrace=${line}:${line}:11)\n    at file:///srv/node_modules/zod/index.js:1:1\n    at node:internal/x:1:1`
}

describe('a fingerprint', () => {
  it.each([
    ['numbers', 'no model for 512.5 MW', 'no model for -7 MW'],
    ['ids', 'datum 0198c4a0-1111-7222-8333-444455556666 is late', 'datum 0198c4a0-1111-7222-8333-44445555ffff is late'],
    ['quoted values', 'no station "CE", said \'x\' and `y`', 'no station "NE 4", said \'it is so\' and `z`'],
    ['hex', 'bad checksum 0xdeadbeef of deadbeef01', 'bad checksum 0x00 of 00ff00ff'],
    ['times', 'nothing since 2017-01-01T00:00:00Z', 'nothing since 2018-02-03 04:05'],
    ['white space', 'a\n  b', 'a b'],
  ])('is the same whatever %s a message has', (_, one, other) => {
    expect(fingerprint(one)).toBe(fingerprint(other))
    expect(fingerprint(one)).toMatch(/^[0-9a-f]{10}$/)
  })

  it('leaves an apostrophe within a word alone, and a word that only looks like hex', () => {
    expect(messageShape("can't read what isn't there: facade, deadbeef")).toBe("can't read what isn't there: facade, deadbeef")
  })

  it('differs by message, error, code and version', () => {
    const all = [
      fingerprint('a'),
      fingerprint('b'),
      fingerprint('a', undefined, { name: 'TypeError' }),
      fingerprint('a', undefined, { code: 'HANDLER_TIMEOUT' }),
      fingerprint('a', undefined, { version: 3 }),
    ]
    expect(new Set(all).size).toBe(all.length)
  })

  it('differs by where in the user’s code it was thrown, and not by machine, reload or library', () => {
    expect(fingerprint('a', stackAt(12))).not.toBe(fingerprint('a', stackAt(13)))
    expect(fingerprint('a', stackAt(12))).toBe(fingerprint('a', stackAt(12, '/opt/other/pipeline.ts')))
    expect(fingerprint('a', stackAt(12))).toBe(fingerprint('a', stackAt(12).replace('zod/index.js:1', 'zod/index.js:9')))
  })

  it('knows the stacks of a Python program', () => {
    const at = (line: number) =>
      `Traceback (most recent call last):\n  File "/app/mood.py", line ${line}, in mood\n    return model[x]\nKeyError: 'x'`
    expect(fingerprint('a', at(3))).not.toBe(fingerprint('a', at(4)))
    expect(fingerprint('a', at(3))).toBe(fingerprint('a', at(3).replace('/app/', '/srv/')))
  })
})
