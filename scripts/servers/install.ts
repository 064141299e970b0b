/**
 * Installs the servers that tests and examples run against: what is missing, nothing else, and nothing that asks a question.
 *
 *     npm run servers:install            everything but the Kubernetes API server
 *     npm run servers:install -- --kube  that too: 15 minutes
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { cacheFolder, installed, isInstalled } from './cache.ts'
import { debianPackage } from './debian.ts'
import { goProgram } from './go.ts'
import { archive, kafka } from './kafka.ts'
import { kubeSchemas } from './kube-schemas.ts'
import { kubernetes } from './kubernetes.ts'
import { lambdaNode, lambdaPython } from './lambda.ts'
import { otelCollector } from './otel-collector.ts'
import type { Step } from './step.ts'
import { victoriaMetrics } from './victoria-metrics.ts'

const LOCKED = 'MILLRACE_SERVERS_LOCKED'
const LOCK_WAIT_SECONDS = 3600

const STEPS: readonly Step[] = [
  debianPackage('redis-server', 'redis-server', 'about 10 s', 'redis-server'),
  debianPackage('postgresql', 'postgres', 'about 20 s', 'postgresql'),
  debianPackage('openssl', 'openssl', 'about 5 s'),
  kafka,
  archive,
  goProgram({
    program: 'toxiproxy-server',
    source: 'github.com/Shopify/toxiproxy/v2/cmd/server',
    version: 'v2.5.0',
    how: '16 MB, about half a minute',
  }),
  goProgram({
    program: 'versitygw',
    source: 'github.com/versity/versitygw/cmd/versitygw',
    version: 'v1.8.0',
    how: '84 MB, about 6 minutes',
  }),
  goProgram({
    program: 'kubeconform',
    source: 'github.com/yannh/kubeconform/cmd/kubeconform',
    version: 'v0.8.0',
    how: '14 MB, about half a minute',
  }),
  goProgram({ program: 'helm', source: 'helm.sh/helm/v3/cmd/helm', version: 'v3.22.0', how: '110 MB, about 3 minutes' }),
  debianPackage('python3-pip', 'pip', 'about 20 s'),
  debianPackage('cmake', 'cmake', 'about 20 s'),
  debianPackage('g++', 'g++', 'about 30 s'),
  debianPackage('make', 'make', 'about 5 s'),
  lambdaNode,
  lambdaPython,
  kubeSchemas,
  debianPackage('prometheus', 'prometheus', 'about 10 s', 'prometheus'),
  goProgram({
    program: 'statsd_exporter',
    source: 'github.com/prometheus/statsd_exporter',
    version: 'v0.31.0',
    how: '18 MB, about half a minute',
  }),
  victoriaMetrics,
  otelCollector,
]
const KUBERNETES_STEPS: readonly Step[] = [debianPackage('etcd-server', 'etcd', 'about 10 s', 'etcd'), kubernetes]

mkdirSync(cacheFolder(), { recursive: true })
if (process.env[LOCKED] === undefined) lockAndRunAgain()
try {
  for (const step of STEPS) await take(step)
  // From a cache that was brought here, what Debian adds to it is still missing.
  if (process.argv.includes('--kube') || kubernetes.present()) for (const step of KUBERNETES_STEPS) await take(step)
  else say(`${kubernetes.name}: left out, add --kube to have it (${kubernetes.how}). Until then kubeconform alone checks manifests.`)
  say(`The servers are installed in ${cacheFolder()}`)
} catch (error) {
  say(`\n${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

async function take({ name, how, present, install }: Step): Promise<void> {
  if (present()) return
  say(`${name}: ${how}`)
  const began = performance.now()
  await install()
  if (!present()) throw new Error(`${name} was installed and yet is not found in ${cacheFolder()} or PATH.`)
  say(`${name}: installed in ${Math.ceil((performance.now() - began) / 1000)} s`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Two installations at once would write the same files. The kernel gives the lock up with the process, however that ends. */
function lockAndRunAgain(): never {
  if (!isInstalled('flock')) {
    say('flock is missing, without which two installations could spoil each other. Install it (Debian: util-linux), then run this again.')
    process.exit(1)
  }
  const lock = (...how: string[]) => {
    const args = [
      ...how,
      '--conflict-exit-code',
      '75',
      cacheFolder('install.lock'),
      process.execPath,
      ...process.execArgv,
      ...process.argv.slice(1),
    ]
    return spawnSync(installed('flock'), args, { stdio: 'inherit', env: { ...process.env, [LOCKED]: '1' } })
  }
  let { status } = lock('--nonblock')
  if (status === 75) {
    say('Another installation is running: waiting for it.')
    status = lock('--timeout', String(LOCK_WAIT_SECONDS)).status
    if (status === 75) say(`It did not end within ${LOCK_WAIT_SECONDS} s.`)
  }
  process.exit(status ?? 1)
}
