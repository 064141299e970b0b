import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A folder of the host's that is seen at a path inside. */
export interface Bind {
  readonly from: string
  readonly to: string
  readonly writable?: boolean
}

export interface InRoot {
  readonly command: readonly string[]
  readonly env: ReadonlyMap<string, string>
  readonly cwd: string
  readonly user: string
  readonly binds?: readonly Bind[]
  /** Nothing but the writable binds and a /tmp of its own can be written. */
  readonly readOnly?: boolean
  /** Loopback alone, and one of its own: what listens on all addresses is reached from inside only. */
  readonly ownNetwork?: boolean
}

/** What Debian brings, and the host has: seen inside, read-only. */
const SYSTEM = ['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib64', '/usr/libexec', '/usr/share', '/etc']
const LINKS = ['bin', 'sbin', 'lib', 'lib64']

/**
 * Stands in for `node:24-bookworm-slim`: this Node and npm where that image has them, in /usr/local, and the host's Debian around it.
 * So whether the real image brings what is used (sh, coreutils) is not tested; that they are Debian's is.
 */
export function makeBaseRoot(root: string): void {
  for (const folder of ['usr/local/bin', 'usr/local/lib/node_modules', 'tmp', 'opt', 'proc', 'dev', 'root', 'var/tmp'])
    mkdirSync(join(root, folder), { recursive: true })
  for (const path of SYSTEM.filter(path => existsSync(path))) mkdirSync(join(root, path), { recursive: true })
  for (const name of LINKS) if (existsSync(`/usr/${name}`)) symlinkSync(`usr/${name}`, join(root, name))
  // mkdtemp makes a folder for its owner only; this one is the / of another user.
  chmodSync(root, 0o755)
  chmodSync(join(root, 'tmp'), 0o1777)
  cpSync(process.execPath, join(root, 'usr/local/bin/node'))
  cpSync(npmFolder(), join(root, 'usr/local/lib/node_modules/npm'), { recursive: true })
  for (const name of ['npm', 'npx']) symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name))
}

/** By the npm that is on the path: `npm root` asks the Node that runs it, which may be one that was installed without. */
function npmFolder(): string {
  const found = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim()
  return dirname(dirname(realpathSync(found)))
}

/** Runs a command inside until it ends. @throws with what it said where it fails. */
export function runIn(root: string, options: InRoot): void {
  const [command, ...args] = commandLine(root, options)
  const { status, stdout, stderr, error } = spawnSync(command!, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${options.command.join(' ')} ended with ${status}:\n${stdout}\n${stderr}`)
}

/** Starts one inside. Its process is the command itself, so that a signal reaches it as it does a container's first process. */
export function startIn(root: string, options: InRoot): ChildProcess {
  const [command, ...args] = commandLine(root, options)
  return spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Runs one beside a process that runs inside, as it sees the world. @returns its stdout, whatever its exit code. */
export function runBeside(
  pid: number,
  options: Pick<InRoot, 'command' | 'env' | 'user'>,
): { code: number | null; stdout: string; stderr: string } {
  const [uid, gid] = options.user.split(':')
  const enter = ['--target', String(pid), '--mount', '--net', '--root', '--wd', '--setuid', uid!, '--setgid', gid!]
  const { status, stdout, stderr } = spawnSync('nsenter', [...enter, ...environment(options.env), ...options.command], { encoding: 'utf8' })
  return { code: status, stdout, stderr }
}

/** unshare → sh (mounts) → chroot → setpriv → env → the command: each becomes the next, none stays in between. */
function commandLine(root: string, options: InRoot): string[] {
  const [uid, gid] = options.user.split(':')
  const asUser =
    uid === '0'
      ? []
      : ['setpriv', '--reuid', uid!, '--regid', gid!, '--clear-groups', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs']
  const namespaces = ['--mount', ...(options.ownNetwork === true ? ['--net'] : [])]
  return [
    ...['unshare', ...namespaces, 'sh', '-ec', mounts(root, options), 'sh'],
    ...['chroot', root, ...asUser, ...environment(options.env, options.cwd), ...options.command],
  ]
}

function environment(env: ReadonlyMap<string, string>, cwd?: string): string[] {
  const path = env.has('PATH') ? [] : ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']
  const folder = cwd === undefined ? [] : [`--chdir=${cwd}`]
  return ['env', '-i', ...folder, ...path, ...[...env].map(([name, value]) => `${name}=${value}`)]
}

function mounts(root: string, { binds = [], readOnly = false, ownNetwork = false }: InRoot): string {
  const system = SYSTEM.filter(path => existsSync(path)).map(path => ({ from: path, to: path, writable: false }))
  const kernel = ['/proc', '/dev'].map(path => ({ from: path, to: path, writable: true }))
  for (const { to } of binds) mkdirSync(join(root, to), { recursive: true })
  const bound = [...system, ...kernel, ...binds].flatMap(({ from, to, writable }) => [
    `mount --rbind '${from}' '${root}${to}'`,
    ...(writable === true ? [] : [`mount -o remount,bind,ro '${root}${to}'`]),
  ])
  return [
    `mount --bind '${root}' '${root}'`,
    ...bound,
    ...(readOnly ? [`mount -t tmpfs -o mode=1777 tmp '${root}/tmp'`, `mount -o remount,bind,ro '${root}'`] : []),
    ...(ownNetwork ? ['ip link set lo up'] : []),
    'exec "$@"',
  ].join('\n')
}
