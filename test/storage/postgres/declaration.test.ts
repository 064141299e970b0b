import { expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { type PostgresOptions, postgres } from '../../../src/storage/adapters/postgres/index.ts'
import { refused } from '../../../src/testing/refusal.ts'

it('says where it stores, and no secret', () => {
  const described = [
    postgres('postgres://ana:s3cret@db.example:6432/grid?sslmode=verify-full'),
    postgres('postgresql://ana:s3cret@db.example'),
    postgres('postgres://ana:s3cret@/grid?host=/var/run/postgresql'),
    postgres({ host: 'db.example', user: 'ana', password: 's3cret', database: 'grid' }),
    postgres({ connectionString: 'postgres://ana:s3cret@db.example/grid' }),
    postgres(),
  ].map(store => store.describe)
  expect(described).toEqual([
    'PostgreSQL at db.example:6432/grid',
    'PostgreSQL at db.example:5432',
    'PostgreSQL at /var/run/postgresql:5432/grid',
    'PostgreSQL at db.example:5432/grid',
    'PostgreSQL at db.example:5432/grid',
    'PostgreSQL as PG* in the environment say',
  ])
})

it('rolls small and often unless it is told otherwise', () => {
  expect(postgres().roll).toEqual({ records: 10_000, bytes: 8_000_000, ageMs: 1_000 })
  expect(postgres(undefined, { roll: { records: 5, bytes: '1kB', age: '1m' } }).roll).toEqual({ records: 5, bytes: 1_000, ageMs: 60_000 })
})

it('refuses an address that is none without repeating it', () => {
  for (const wrong of ['db.example/grid?password=s3cret', 'http://ana:s3cret@db', 'postgres://ana:s3cret@db:port/grid']) {
    expect(() => postgres(wrong)).toThrow(TypeError)
    expect(() => postgres(wrong)).not.toThrow(/s3cret/)
  }
})

it('refuses options that cannot be', () => {
  const wrong: [PostgresOptions, RegExp][] = [
    [{ table: '' }, /table is ""/],
    [{ table: 'x'.repeat(64) }, /63 bytes/],
    [{ schema: 'a\0' }, /schema is/],
    [{ statementTimeout: '10ms' }, /from 1 second/],
    [{ statementTimeout: '100d' }, /to 1 day/],
    [{ roll: { records: 0 } }, /roll records is 0/],
  ]
  for (const [options, message] of wrong) expect(() => postgres(undefined, options)).toThrow(message)
})

it('says which file of the connection cannot be read', async () => {
  const store = postgres('postgres://127.0.0.1:1/grid?sslmode=verify-full&sslrootcert=/nowhere/ca.crt')
  const error = await refused('a certificate that is not there', 'CONFIG_INVALID', () => store.open(systemClock))
  expect(error.message).toMatch(/ENOENT.*\/nowhere\/ca.crt.*Check its path/)
})
