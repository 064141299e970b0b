import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BuildContext } from './build-context.ts'
import { buildImage, type Image } from './image.ts'
import { runBeside, runIn, startIn } from './root-folder.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** What is mounted at /app. */
const PIPELINE = fileURLToPath(new URL('./app/pipeline.ts', import.meta.url))
const DOCKERFILE = join(ROOT, 'deploy/Dockerfile')
const BUILD_MS = 600_000
const READY_MS = 60_000
/** What `docker stop` waits before it kills. */
const STOP_MS = 10_000

let image: Image
let dispose = () => {}
let context: BuildContext

beforeAll(() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new Error('The image is built in a chroot, which takes Linux and root: run this test as root, or leave it to CI.')
  context = new BuildContext(ROOT, `${DOCKERFILE}.dockerignore`)
  ;({ image, dispose } = buildImage(DOCKERFILE, context))
}, BUILD_MS)
afterAll(() => dispose())

describe('the image', () => {
  it('is built of what its ignore file names and nothing else', () => {
    expect(context.missing()).toEqual([])
    expect(context.files().filter(path => /(^|\/)(\.env|keys\.json|\.git|\.millrace|node_modules)(\/|$)/.test(path))).toEqual([])
  })

  it('holds no compiler, no sources, no tests, no package manager', () => {
    const paths = [
      'node_modules/typescript',
      'node_modules/millrace/node_modules/typescript',
      'node_modules/millrace/node_modules/vitest',
      'node_modules/millrace/src',
      'usr/local/bin/npm',
      'usr/local/lib/node_modules',
      'src',
      'clients',
    ]
    expect(paths.filter(path => existsSync(join(image.root, path)))).toEqual([])
  })

  it('says what it is, whom it runs as, where it listens and how it is asked and stopped', () => {
    const { version, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    expect(image.labels.get('org.opencontainers.image.version')).toBe(version)
    expect(image.labels.get('org.opencontainers.image.licenses')).toBe(license)
    expect(image).toMatchObject({ user: '10001:10001', exposed: ['7070', '7071'], volumes: ['/data'], stopSignal: 'SIGTERM' })
    expect(image.health).toBeDefined()
  })

  it('has the clients in the versions that Millrace is tested with', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'deploy/image/package.json'), 'utf8'))
    expect(devDependencies).toMatchObject(dependencies)
    const locked = (lock: string) => JSON.parse(readFileSync(join(ROOT, lock), 'utf8')).packages
    const [mine, tested] = [locked('deploy/image/package-lock.json'), locked('package-lock.json')]
    for (const name of Object.keys(dependencies))
      expect([name, mine[`node_modules/${name}`].version]).toEqual([name, tested[`node_modules/${name}`].version])
  })

  it('gives a pipeline in /app Millrace, the clients and zod, though it has no node_modules', () => {
    const names = [
      'millrace',
      'millrace/remote/lambda',
      'millrace/storage/files',
      '@platformatic/kafka',
      'redis',
      'pg',
      'pg-copy-streams',
      '@aws-sdk/client-lambda',
      '@aws-sdk/client-s3',
      'zod',
    ]
    inImage(['node', '--input-type=module', '-e', names.map(name => `await import('${name}')`).join('\n')], '/app')
  })
})

describe('a container, read-only, not root, without a capability, on the embedded engine', () => {
  it('takes a datum with a key, has it handled and stored, is healthy, and ends with 0 at SIGTERM', { timeout: BUILD_MS }, async () => {
    const data = mkdtempSync(join(tmpdir(), 'millrace-data-'))
    chownSync(data, 10_001, 10_001)
    let process: ChildProcess | undefined
    try {
      const made = startIn(image.root, container([...image.entrypoint, 'keys', 'add', 'meter-7', '--topic', 'reading', '--json'], data))
      const { key } = JSON.parse(await saidBy(made))

      process = startIn(image.root, container([...image.entrypoint, ...image.command], data))
      const said = collect(process)
      const ended = once(process, 'close')
      await until('its health check to pass', said, () => beside(process!, image.health!).code === 0)

      const receipt = beside(process, ['node', '--input-type=module', '-e', sending(key)])
      expect(receipt).toMatchObject({ code: 0, stdout: expect.stringContaining('"accepted"') })
      const tap = ['tap', 'fahrenheit', '--from', 'earliest', '--limit', '1', '--json']
      expect(JSON.parse(beside(process, [...image.entrypoint, ...tap]).stdout).data).toEqual({ sensor: 'a', degrees: 50 })

      const status = readFileSync(`/proc/${process.pid}/status`, 'utf8')
      expect(status).toMatch(/^Uid:\t10001\t10001\t10001\t10001$/m)
      expect(status).toMatch(/^CapEff:\t0+$/m)
      const written = `const { writeFileSync } = await import('node:fs'); for (const path of ['/app/x', '/node_modules/x', '/x', '/data/x', '/tmp/x']) try { writeFileSync(path, ''); console.log(path) } catch (error) { console.error(error.code) }`
      expect(beside(process, ['node', '--input-type=module', '-e', written]).stdout).toBe('/data/x\n/tmp/x\n')

      process.kill(image.stopSignal as NodeJS.Signals) // SIGTERM, as the test above has seen
      const killer = setTimeout(() => process?.kill('SIGKILL'), STOP_MS)
      const [code, signal] = await ended
      clearTimeout(killer)
      expect({ code, signal }, said()).toEqual({ code: 0, signal: null })
      expect(existsSync(join(data, 'lake'))).toBe(true)
    } finally {
      process?.kill('SIGKILL')
      rmSync(data, { recursive: true, force: true })
    }
  })

  it('fails its health check where nothing answers', () => {
    expect(() => inImage(image.health!, '/app')).toThrow('ended with 1')
  })
})

function container(command: readonly string[], data: string) {
  const binds = [
    { from: dirname(PIPELINE), to: '/app' },
    { from: data, to: '/data', writable: true },
  ]
  const { env, cwd, user } = image
  return { command, env, cwd, user, binds, readOnly: true, ownNetwork: true }
}

function inImage(command: readonly string[], cwd: string): void {
  runIn(image.root, { command, env: image.env, cwd, user: image.user, readOnly: true, ownNetwork: true })
}

function beside(process: ChildProcess, command: readonly string[]) {
  return runBeside(process.pid!, { command, env: image.env, user: image.user })
}

function sending(key: string): string {
  return `const answer = await fetch('http://127.0.0.1:7070/v1/topics/reading', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer ${key}' },
    body: JSON.stringify({ sensor: 'a', celsius: 10 }),
  })
  console.log(await answer.text())`
}

function collect(child: ChildProcess): () => string {
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (said += text))
  return () => said
}

async function saidBy(child: ChildProcess): Promise<string> {
  let stdout = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  const said = collect(child)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`It ended with ${code}:\n${said()}`)
  return stdout
}

async function until(what: string, said: () => string, check: () => boolean): Promise<void> {
  const end = Date.now() + READY_MS
  while (!check()) {
    if (Date.now() > end) throw new Error(`Still waiting for ${what}:\n${said()}`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}
