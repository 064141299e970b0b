import type { TestProject } from 'vitest/node'
import { startKafka } from './kafka.ts'
import { startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'
import { startS3 } from './s3.ts'

/** Starts the shared servers before the first test and ends them after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Nobody kills the shared broker, and a machine that is busy for two seconds must not look like a dead one.
  const patient = { 'broker.session.timeout.ms': '18000', 'broker.heartbeat.interval.ms': '2000' }
  const [kafka, redis, postgres, s3] = await Promise.all([startKafka({ properties: patient }), startRedis(), startPostgres(), startS3()])
  const { endpoint, region, accessKeyId, secretAccessKey } = s3
  project.provide('servers', {
    kafka: kafka.address,
    redis: redis.address,
    postgres: postgres.address,
    s3: { endpoint, region, accessKeyId, secretAccessKey },
  })
  return async () => {
    // Their data are thrown away: nothing is gained by an orderly end.
    await Promise.all([kafka.kill(), redis.kill(), postgres.kill(), s3.kill()])
  }
}
