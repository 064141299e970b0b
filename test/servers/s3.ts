import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { installed } from '../../scripts/servers/cache.ts'
import { serverFolder } from './folder.ts'
import { freePort } from './port.ts'
import { ServerProcess } from './server-process.ts'

const ANSWER_MS = 1_000

export interface S3Server extends AsyncDisposable {
  /** `http://127.0.0.1:port`; buckets are in the path. */
  readonly endpoint: string
  /** The same as `endpoint`. */
  readonly address: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly log: string
  stop(): Promise<void>
  kill(): Promise<void>
  restart(): Promise<void>
}

export interface S3Options {
  readonly port?: number
  /** Kept afterwards; without it a folder that is deleted when this process ends. */
  readonly folder?: string
}

/** versitygw, an S3 server whose objects are files, on loopback. It checks signatures, checksums and conditional puts as S3 does. */
export async function startS3(options: S3Options = {}): Promise<S3Server> {
  const port = options.port ?? (await freePort())
  const folder = options.folder ?? serverFolder('s3')
  const objects = join(folder, 'objects')
  mkdirSync(objects, { recursive: true })
  const endpoint = `http://127.0.0.1:${port}`
  const [region, accessKeyId, secretAccessKey] = ['us-east-1', 'millrace', 'millrace-secret']
  const process = new ServerProcess({
    name: 'The S3 server',
    command: [installed('versitygw'), '--port', `127.0.0.1:${port}`, '--region', region, 'posix', objects],
    env: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    cwd: folder,
    logFile: join(folder, 's3.log'),
    // Unsigned, so S3 refuses it: that refusal is its answer.
    ready: async () => {
      const response = await fetch(endpoint, { signal: AbortSignal.timeout(ANSWER_MS) })
      if (!(await response.text()).includes('<Error>')) throw new Error(`${endpoint} does not answer as S3`)
    },
  })
  try {
    await process.start()
  } catch (cause) {
    if (!/xattr/i.test(process.log)) throw cause
    const fix = 'Choose a folder on ext4, xfs or btrfs, or another TMPDIR.'
    throw new Error(`The file system of ${objects} has no extended attributes, in which the S3 server keeps what it knows. ${fix}`, {
      cause,
    })
  }
  return {
    endpoint,
    address: endpoint,
    region,
    accessKeyId,
    secretAccessKey,
    get log() {
      return process.log
    },
    stop: () => process.stop(),
    kill: () => process.kill(),
    restart: () => process.restart(),
    [Symbol.asyncDispose]: () => process.kill(),
  }
}
