import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { connectionsOf, passwordIn, shownUrl, streamUrl, traceUrl } from '../../src/runtime/connections.ts'
import { Project } from './project.ts'

const SECRET = 's3cret'
const KEPT = { traceRetentionMs: 1_000, idRetentionMs: 2_000 }

describe('what is shown of a URL', () => {
  it.each([
    [`kafka://alice:${SECRET}@b:9092`, 'kafka://alice@b:9092'],
    [`KAFKA://alice:${SECRET}@b:9092`, 'KAFKA://alice@b:9092'],
    [`sasl_ssl://alice:${SECRET}@b`, 'sasl_ssl://alice@b'],
    [`alice:${SECRET}@b:9092`, 'alice@b:9092'],
    [` kafka://alice:${SECRET}/?#@b:9092`, ' kafka://alice@b:9092'],
    [`redis://:${SECRET}@h:6379/0`, 'redis://@h:6379/0'],
    ['redis://h:6379/0?prefix=grid:', 'redis://h:6379/0?prefix=grid:'],
  ])('%s has no password', (url, shown) => {
    expect(shownUrl(url)).toBe(shown)
  })

  it.each([`KAFKA://alice:${SECRET}@b:9092`, `sasl_ssl://alice:${SECRET}@b`, `alice:${SECRET}@b`, ` kafka://alice:${SECRET}@b`])(
    'an error about %s has none either',
    url => {
      for (const read of [streamUrl, traceUrl]) {
        let message = ''
        try {
          read(url, '--stream')
        } catch (error) {
          message = (error as Error).message
        }
        expect(message).toMatch(/^--stream is/)
        expect(message).not.toContain(SECRET)
      }
    },
  )
})

describe('connections', () => {
  it('are both, or none', () => {
    expect(connectionsOf(undefined, undefined, {}, KEPT)).toBeUndefined()
    expect(() => connectionsOf('kafka://h', undefined, {}, KEPT)).toThrow(/no trace.*--trace redis:\/\/host:6379/s)
    expect(() => connectionsOf(undefined, 'redis://h', {}, KEPT)).toThrow(/no stream.*--stream kafka:\/\/host:9092/s)
  })

  it('take passwords from the environment, or from a file, never from both', () => {
    using project = new Project({})
    const file = join(project.folder, 'password')
    writeFileSync(file, `${SECRET}\n`)
    expect(passwordIn({ P: SECRET }, 'P')).toBe(SECRET)
    expect(passwordIn({ P_FILE: file }, 'P')).toBe(SECRET)
    expect(passwordIn({}, 'P')).toBeUndefined()
    expect(() => passwordIn({ P: SECRET, P_FILE: file }, 'P')).toThrow(/P and P_FILE are both set/)
    expect(() => passwordIn({ P_FILE: join(project.folder, 'none') }, 'P')).toThrow(/P_FILE names .*none, which cannot be read/)
    expect(connectionsOf('kafka://h', 'redis://h', { MILLRACE_STREAM_PASSWORD: SECRET }, KEPT)?.stream).toEqual({
      url: 'kafka://h',
      password: SECRET,
    })
  })
})
