import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { postgres } from '../../../src/storage/adapters/postgres/index.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { makeCertificates } from '../../servers/certificates.ts'
import { serverFolder } from '../../servers/folder.ts'
import { startPostgres } from '../../servers/postgres.ts'
import { batchesOf, readings } from '../batches.ts'
import { scratch } from './scratch.ts'
import { writeAll, writerIn } from './written.ts'

it('speaks TLS as the URL’s sslmode says, and trusts whom it names', async () => {
  const { server: certificate, caFile, strangerCa } = makeCertificates()
  const folder = serverFolder('postgres-tls')
  const keys = join(folder, 'keys')
  mkdirSync(keys)
  copyFileSync(certificate.certFile, join(keys, 'server.crt'))
  // PostgreSQL refuses a key that others may read.
  writeFileSync(join(keys, 'server.key'), certificate.key, { mode: 0o600 })
  const settings = { ssl: 'on', ssl_cert_file: join(keys, 'server.crt'), ssl_key_file: join(keys, 'server.key') }
  const server = await startPostgres({ folder, settings })
  onTestFinished(() => server.kill())

  const address = `${server.address}?sslmode=verify-full`
  const database = scratch(`${address}&sslrootcert=${caFile}`)
  await writeAll(await writerIn(database), readings, batchesOf(3))
  expect(await database.sql('SELECT count(*)::int AS n FROM readings')).toEqual([{ n: 3 }])
  expect(await database.sql('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')).toEqual([{ ssl: true }])

  const stranger = join(folder, 'stranger.crt')
  writeFileSync(stranger, strangerCa)
  for (const untrusted of [address, `${address}&sslrootcert=${stranger}`]) {
    const error = await refused('a server of an unknown authority', 'STORE_DENIED', () => postgres(untrusted).open(systemClock))
    expect(error.message).toMatch(/is not trusted: .*sslrootcert/)
  }
})
