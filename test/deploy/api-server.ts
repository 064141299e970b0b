import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installed, isInstalled } from '../../scripts/servers/cache.ts'
import { serverFolder } from '../servers/folder.ts'
import { freePort } from '../servers/port.ts'
import { ServerProcess } from '../servers/server-process.ts'

const TOKEN = 'operator'
const PROGRAMS = ['etcd', 'kube-apiserver', 'kubectl']

/** A Kubernetes API server on etcd: it validates, admits and keeps objects as a cluster does; nothing runs what they ask for. */
export interface ApiServer {
  /** Runs kubectl against it. */
  kubectl(args: readonly string[], input?: string): { readonly code: number | null; readonly stdout: string; readonly stderr: string }
  stop(): Promise<void>
}

/** Programs that are not there; with one missing there is no API server. */
export function missingPrograms(): string[] {
  return PROGRAMS.filter(program => !isInstalled(program))
}

export async function startApiServer(): Promise<ApiServer> {
  const folder = serverFolder('kubernetes')
  const etcd = await startEtcd(folder)
  const port = await freePort()
  const kubectl: ApiServer['kubectl'] = (args, input = '') => {
    const to = [
      `--server=https://127.0.0.1:${port}`,
      '--insecure-skip-tls-verify',
      `--token=${TOKEN}`,
      `--cache-dir=${join(folder, 'cache')}`,
    ]
    const env = { ...process.env, KUBECONFIG: join(folder, 'none') }
    const { status, stdout, stderr } = spawnSync(installed('kubectl'), [...to, ...args], { input, encoding: 'utf8', env })
    return { code: status, stdout, stderr }
  }
  const server = new ServerProcess({
    name: 'kube-apiserver',
    command: [installed('kube-apiserver'), ...serverFlags(folder, port, etcd.address)],
    cwd: folder,
    logFile: join(folder, 'kube-apiserver.log'),
    ready: async () => {
      const { code, stderr } = kubectl(['get', '--raw', '/readyz'])
      if (code !== 0) throw new Error(stderr)
    },
  })
  const stop = async () => {
    await server.kill()
    await etcd.process.kill()
  }
  try {
    await server.start()
  } catch (error) {
    await stop()
    throw error
  }
  return { kubectl, stop }
}

async function startEtcd(folder: string): Promise<{ process: ServerProcess; address: string }> {
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
  const process = new ServerProcess({
    name: 'etcd',
    command: [
      ...[installed('etcd'), '--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync'],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
    ],
    cwd: folder,
    logFile: join(folder, 'etcd.log'),
    ready: async () => {
      if (!(await fetch(`${client}/health`)).ok) throw new Error('etcd is not healthy')
    },
  })
  await process.start()
  return { process, address: client }
}

function serverFlags(folder: string, port: number, etcd: string): string[] {
  const key = join(folder, 'accounts.key')
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(key, privateKey.export({ type: 'pkcs1', format: 'pem' }))
  const tokens = join(folder, 'tokens.csv')
  writeFileSync(tokens, `${TOKEN},operator,1,"system:masters"\n`)
  return [
    `--etcd-servers=${etcd}`,
    ...['--bind-address=127.0.0.1', `--secure-port=${port}`, `--cert-dir=${join(folder, 'certificates')}`],
    ...['--service-account-issuer=https://localhost', `--service-account-key-file=${key}`, `--service-account-signing-key-file=${key}`],
    ...[`--token-auth-file=${tokens}`, '--authorization-mode=RBAC', '--service-cluster-ip-range=10.0.0.0/24'],
    // Nobody makes the default account of a namespace here, and no address of ours is to be published as the cluster's.
    ...['--disable-admission-plugins=ServiceAccount', '--endpoint-reconciler-type=none'],
  ]
}
