import { describe, expect, it } from 'vitest'
import { refused } from '../../../src/testing/refusal.ts'
import { openRedis, redisOptions } from '../../../src/trace/adapters/redis/index.ts'
import { FRESH } from '../../../src/trace/trace.ts'
import { makeCertificates } from '../../servers/certificates.ts'
import { freePort } from '../../servers/port.ts'
import { startRedis } from '../../servers/redis.ts'
import { claim, FORECAST, foreigner, idOf, marks, placed, scene } from './scene.ts'

const SECRET = 'correct horse'

describe('a server with a password', () => {
  it('is opened with it, and refuses every other without showing it', async () => {
    await using server = await startRedis(['--requirepass', SECRET])
    const url = (password: string) => `redis://:${encodeURIComponent(password)}@127.0.0.1:${server.port}`
    const trace = await openRedis(redisOptions(url(SECRET)))
    expect(await claim(trace, placed(1))).toEqual([FRESH])
    await trace.close()
    const error = await refused('a wrong password', 'TRACE_DENIED', () => openRedis(redisOptions(url('wrong secret'))))
    expect(error.message).toContain(`127.0.0.1:${server.port}`)
    expect(error.message).not.toContain('secret')
    const asked = await refused('no password', 'TRACE_DENIED', () => openRedis(redisOptions(`redis://127.0.0.1:${server.port}`)))
    expect(asked.message).toContain('MILLRACE_TRACE_PASSWORD')
    const told = await openRedis(redisOptions(`redis://127.0.0.1:${server.port}`, { password: SECRET }))
    await told.close()
  })

  it('lets a user with the rights that the documentation lists do everything, and says what one without may not', async () => {
    await using server = await startRedis()
    await using admin = await foreigner(server.port)
    const rights = ['~grid:*', '+@hash', '+@string', '+@scripting', '+pexpire', '+@set', '+@connection', '+info']
    await admin.sendCommand(['ACL', 'SETUSER', 'millrace', 'on', `>${SECRET}`, ...rights])
    await admin.sendCommand(['ACL', 'SETUSER', 'guest', 'on', `>${SECRET}`, '~grid:*', '+@hash', '+@connection'])
    for (const layout of ['readable', 'packed'] as const) {
      await using here = await scene(server.port, { username: 'millrace', password: SECRET, prefix: 'grid:', layout, warn: fail })
      const data = placed([{ text: 'x', supplied: true }, 'y'])
      await here.trace.note(data)
      await here.trace.known(data.frames, 2)
      expect(await claim(here.trace, data)).toEqual([FRESH, FRESH])
      await here.trace.mark(FORECAST, marks(data, { outputs: [{ topic: 'prediction', partition: 0, first: 0, end: 1 }] }))
      await here.trace.cache.begin('average', [], true)
      await here.trace.cache.view('average')
    }
    await using guest = await scene(server.port, { username: 'guest', password: SECRET, prefix: 'grid:' })
    const error = await refused('a claim', 'TRACE_DENIED', () => claim(guest.trace, placed(1)))
    expect(error.message).toMatch(/evalsha/i)
    await using elsewhere = await scene(server.port, { username: 'millrace', password: SECRET, prefix: 'other:' })
    await refused('a claim under keys that are not its own', 'TRACE_DENIED', () => claim(elsewhere.trace, placed(1)))
  })
})

describe('a server that is not as the options say', () => {
  it('says what to set where keys are another’s, or the database is missing', async () => {
    await using server = await startRedis()
    await using other = await foreigner(server.port)
    await using here = await scene(server.port)
    const data = placed(1)
    await other.set(`${here.prefix}${idOf(data)}`, 'theirs')
    const error = await refused('a claim', 'CONFIG_INVALID', () => claim(here.trace, data))
    expect(error.fix).toMatch(/prefix/)
    await refused('a database that is not there', 'CONFIG_INVALID', () => scene(server.port, { database: 99 }))
  })

  it.each([{ servers: [] }, { ttlMs: 0 }, { idTtlMs: 1.5 }, { timeoutMs: Number.NaN }, { mode: 'sentinel' as const }])(
    'is a mistake of the caller’s where the options cannot be meant: %o',
    async options => {
      await expect(scene(1, options)).rejects.toThrow(TypeError)
    },
  )
})

describe('TLS', () => {
  it('is spoken with a server whose certificate is trusted, and with no other', async () => {
    const certificates = makeCertificates()
    const port = await freePort()
    const { certFile, keyFile } = certificates.server
    const tls = ['--tls-port', `${port}`, '--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', certificates.caFile]
    await using server = await startRedis(tls)
    const { cert, key } = certificates.client
    const trace = await openRedis({ servers: [{ host: '127.0.0.1', port }], tls: { ca: certificates.ca, cert, key } })
    expect(await claim(trace, placed(1))).toEqual([FRESH])
    await trace.close()
    const stranger = { servers: [{ host: '127.0.0.1', port }], tls: { ca: certificates.strangerCa, cert, key } }
    const untrusted = await refused('a certificate of a stranger’s', 'TRACE_DENIED', () => openRedis(stranger))
    expect(untrusted.message).toMatch(/certificate/)
    const toPlain = () => openRedis(redisOptions(`rediss://127.0.0.1:${server.port}?timeout=1s&ca=${certificates.caFile}`))
    expect((await refused('TLS to a server without', 'TRACE_UNAVAILABLE', toPlain)).message).toMatch(/TLS.*may not speak it/)
    const toTls = () => openRedis(redisOptions(`redis://127.0.0.1:${port}`))
    expect((await refused('no TLS to a server with', 'TRACE_UNAVAILABLE', toTls)).fix).toMatch(/rediss/)
    const noClient = () => openRedis(redisOptions(`rediss://127.0.0.1:${port}?ca=${certificates.caFile}`))
    await refused('a client without a certificate', ['TRACE_DENIED', 'TRACE_UNAVAILABLE'], noClient)
  })
})

describe('a server that evicts', () => {
  it('is warned of when it is opened, and one that does not is not', async () => {
    const warnings = async (...args: string[]) => {
      await using server = await startRedis(args)
      const told: string[] = []
      await using _ = await scene(server.port, { warn: text => told.push(text) })
      return told
    }
    const [warning, ...more] = await warnings('--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru')
    expect(warning).toMatch(/allkeys-lru.*noeviction/)
    expect(more).toEqual([])
    expect(await warnings('--maxmemory', '100mb', '--maxmemory-policy', 'noeviction')).toEqual([])
    expect(await warnings('--maxmemory-policy', 'allkeys-lru'), 'Without a limit nothing is evicted.').toEqual([])
  })
})

function fail(text: string): never {
  throw new Error(`There should have been no warning; it says: ${text}`)
}
