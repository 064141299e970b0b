import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { createClient } from 'redis'
import { describe, expect, it } from 'vitest'
import { serverFolder } from '../servers/folder.ts'
import { freePort } from '../servers/port.ts'
import { ServerProcess } from '../servers/server-process.ts'
import { servers } from '../servers/shared.ts'
import { DEPLOY, readCompose } from './compose-file.ts'

/** What compose.yaml writes into its containers' shells, run here on the servers themselves. */
describe('of compose.yaml', () => {
  const compose = readCompose()

  it('Redis’s command starts one that asks for the password, keeps what it is told, and evicts nothing', async () => {
    const folder = serverFolder('compose-redis')
    cpSync(join(DEPLOY, 'compose/make-secrets.sh'), join(folder, 'make-secrets.sh'))
    execFileSync(join(folder, 'make-secrets.sh'))
    mkdirSync(join(folder, 'data'))
    const port = await freePort()
    const [shell, flag, script] = compose.services.redis!.command!
    // The container's folders and address, as they are here.
    const here = script!
      .replace('/run/secrets', join(folder, 'secrets'))
      .replace('--dir /data', `--dir ${join(folder, 'data')} --bind 127.0.0.1 --port ${port}`)
    const password = readFileSync(join(folder, 'secrets/redis_password'), 'utf8').trim()
    const client = createClient({ url: `redis://127.0.0.1:${port}`, password, socket: { reconnectStrategy: false } })
    client.on('error', () => undefined)
    const redis = new ServerProcess({
      name: 'Redis of compose.yaml',
      command: [`/bin/${shell}`, flag!, here],
      cwd: folder,
      logFile: join(folder, 'redis.log'),
      ready: () => client.connect(),
    })
    await redis.start()
    try {
      expect(await client.configGet('maxmemory-policy')).toEqual({ 'maxmemory-policy': 'noeviction' })
      expect(await client.configGet('appendonly')).toEqual({ appendonly: 'yes' })
      const stranger = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: false } })
      stranger.on('error', () => undefined)
      await expect(stranger.connect()).rejects.toThrow('NOAUTH')
      expect(readFileSync(`/proc/${redis.pid}/cmdline`, 'utf8')).not.toContain(password)
    } finally {
      client.destroy()
      await redis.stop()
    }
  })

  it('the bucket’s program makes the bucket, and is content with one that is there', async () => {
    const { endpoint, accessKeyId, secretAccessKey } = servers().s3
    const bucket = `compose-${process.pid}-${Date.now()}`
    const script = compose.services.bucket!.entrypoint![1]!.replace('/setup', join(DEPLOY, 'compose'))
    const make = () =>
      execFileSync(process.execPath, [script, endpoint, bucket], {
        encoding: 'utf8',
        env: { ...process.env, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
      })
    expect(make()).toBe(`The bucket ${bucket} is made.\n`)
    expect(make()).toBe(`The bucket ${bucket} is there.\n`)
    const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
    await client.send(new HeadBucketCommand({ Bucket: bucket }))
    client.destroy()
  })
})
