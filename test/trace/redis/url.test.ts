import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isMillraceError } from '../../../src/errors.ts'
import { type RedisSecrets, redisOptions } from '../../../src/trace/adapters/redis/index.ts'

describe('the URL of a Redis', () => {
  it('names one server, or several that are a cluster or sentinels', () => {
    expect(redisOptions('redis://h')).toEqual({ servers: [{ host: 'h', port: 6379 }], mode: 'single' })
    expect(redisOptions('redis://h:7001/3')).toEqual({ servers: [{ host: 'h', port: 7001 }], mode: 'single', database: 3 })
    expect(redisOptions('redis://[::1]:7001/')).toMatchObject({ servers: [{ host: '::1', port: 7001 }] })
    const two = [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ]
    expect(redisOptions('redis+cluster://a:1,b:2')).toEqual({ servers: two, mode: 'cluster' })
    expect(redisOptions('redis+sentinel://a:1,b:2/mymaster/4')).toEqual({ servers: two, mode: 'sentinel', master: 'mymaster', database: 4 })
    expect(redisOptions('redis+sentinel://a/mymaster').servers).toEqual([{ host: 'a', port: 26_379 }])
    expect(redisOptions('rediss+cluster://a:1,b:2')).toEqual({ servers: two, mode: 'cluster', tls: {} })
  })

  it('holds the user and the password, percent-encoded, unless they are given beside it', () => {
    const of = (url: string, secrets?: RedisSecrets) => {
      const { username, password } = redisOptions(url, secrets)
      return [username, password]
    }
    expect(of('redis://u:p%40%3A%2F@h')).toEqual(['u', 'p@:/'])
    expect(of('redis://:p:with:colons@h')).toEqual([undefined, 'p:with:colons'])
    expect(of('redis://u@h', { password: 'p' })).toEqual(['u', 'p'])
    expect(of('redis://u:p@h', { username: 'v', password: 'q' })).toEqual(['v', 'q'])
    expect(of('redis://u:with@at@h')).toEqual(['u', 'with@at'])
  })

  it('sets how the trace is kept', () => {
    const options = redisOptions('redis://h?prefix=grid%3A&ttl=36h&id_ttl=14d&timeout=2s&layout=packed')
    expect(options).toMatchObject({ prefix: 'grid:', ttlMs: 129_600_000, idTtlMs: 1_209_600_000, timeoutMs: 2000, layout: 'packed' })
    expect(redisOptions('redis://h', { pipeline: 'grid' }).prefix).toBe('millrace:grid:')
    expect(redisOptions('redis://h?prefix=', { pipeline: 'grid' }).prefix).toBe('')
  })

  it('names the files of TLS', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-redis-'))
    try {
      writeFileSync(join(folder, 'ca.pem'), 'CA')
      expect(redisOptions(`rediss://h?ca=${folder}/ca.pem&servername=trace.internal`).tls).toEqual({
        ca: Buffer.from('CA'),
        servername: 'trace.internal',
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it.each([
    'http://h',
    'redis://',
    'redis://u:hunter2@',
    'redis://u:hunter2@h:99999',
    'redis://u:hunter2@h:port',
    'redis://u:hunter2@a,b',
    'redis://u:hunter2@h/x',
    'redis+cluster://u:hunter2@h/1',
    'redis+sentinel://u:hunter2@h',
    'redis://u:hunter2%@h',
    'redis://u:hunter2@h?ttl=soon',
    'redis://u:hunter2@h?ttl=0',
    'redis://u:hunter2@h?layout=tidy',
    'redis://u:hunter2@h?colour=red',
    'redis://u:hunter2@h?ttl=1h&ttl=2h',
    'redis://u:hunter2@h?ca=/ca.pem',
    'rediss://u:hunter2@h?ca=/no/such/file.pem',
    'redis+sentinel+cluster://u:hunter2@h',
    'redis://u:hunter2/with/slash@h',
    'redis://u:hunter2?query@h',
    'redis://u:1234?hunter2@h',
    'redis://u:hunter2#fragment@h',
    'redis://u:hunter2',
  ])('is refused without its password being shown: %s', url => {
    let refused: unknown
    try {
      redisOptions(url)
    } catch (error) {
      refused = error
    }
    if (!isMillraceError(refused, 'CONFIG_INVALID')) expect.fail(`${url} was answered with ${String(refused)}`)
    expect(refused.fix).toBeTruthy()
    expect(`${refused.message} ${String(refused.cause)} ${refused.stack}`).not.toContain('hunter2')
  })
})
