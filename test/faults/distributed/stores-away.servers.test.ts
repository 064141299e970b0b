import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startPostgres } from '../../servers/postgres.ts'
import { type Fate, S3Proxy } from '../../storage/s3/proxy.ts'
import { until } from '../harness.ts'
import { seeded, seedOf } from '../random.ts'
import { Fleet } from './fleet.ts'
import { ROUNDS } from './rounds.ts'

const UNDER_WAY_MS = 180_000
const LONGEST_MS = 400
const SLOW_MS = 5_000

async function underWay(fleet: Fleet): Promise<void> {
  const before = fleet.acknowledged
  await until('the load is under way', UNDER_WAY_MS, () => fleet.acknowledged > before + 400)
}

it('a PostgreSQL that is killed in the middle of rolls stores each datum once', { timeout: 900_000 * ROUNDS }, async () => {
  const random = seeded(seedOf('postgres-restart'))
  await using postgres = await startPostgres()
  await using fleet = await Fleet.open({ fault: 'postgres-restart', random, places: { postgres: postgres.address } })
  await fleet.startAll({ frontend: 1, agents: 1, storage: 2 })
  fleet.send()
  for (let round = 1; round <= 3 * ROUNDS; round++) {
    await underWay(fleet)
    await sleep(random() * LONGEST_MS)
    await postgres.kill()
    fleet.kills++
    await postgres.restart()
  }
  await fleet.finish()
  await fleet.rest(180_000)
  const audited = await fleet.audit()
  fleet.say(audited)
  expect(audited.findings).toEqual([])
})

it('an S3 that answers with errors, slowly, or breaks off, holds each datum once', { timeout: 900_000 * ROUNDS }, async () => {
  const random = seeded(seedOf('s3-errors'))
  const proxy = await S3Proxy.start()
  await using fleet = await Fleet.open({ fault: 's3-errors', random, through: { s3: proxy.endpoint } })
  await fleet.startAll({ frontend: 1, agents: 1, storage: 2 })
  fleet.send()
  const fates: readonly (() => Fate | Promise<Fate>)[] = [
    () => ({ status: 500, code: 'InternalError' }),
    () => ({ status: 503, code: 'SlowDown' }),
    () => 'broken',
    () => sleep(SLOW_MS).then((): Fate => 'through'),
  ]
  for (const fate of Array.from({ length: ROUNDS }, () => fates).flat()) {
    // Half of the requests get through: rolls are cut off at every one of their steps.
    let struck = 0
    proxy.fate = async (_request: IncomingMessage) => {
      if (random() < 0.5) return 'through'
      struck++
      return fate()
    }
    await underWay(fleet)
    await until('requests have felt it', UNDER_WAY_MS, () => struck >= 5)
    proxy.fate = () => 'through'
    await underWay(fleet)
  }
  await fleet.finish()
  await fleet.rest(180_000)
  const audited = await fleet.audit()
  fleet.say(audited)
  expect(audited.findings).toEqual([])
})
