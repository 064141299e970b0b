import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { basename, dirname, join, posix } from 'node:path'
import type { BuildContext } from './build-context.ts'
import { assignments, execForm, type Instruction, parseDockerfile, substitute } from './dockerfile.ts'
import { type Bind, makeBaseRoot, runIn } from './root-folder.ts'

/** A stage: its files, and what the instructions say of how to run it. */
export interface Image {
  readonly root: string
  readonly env: Map<string, string>
  readonly labels: Map<string, string>
  readonly exposed: string[]
  readonly volumes: string[]
  user: string
  cwd: string
  entrypoint: readonly string[]
  command: readonly string[]
  stopSignal: string
  health: readonly string[] | undefined
}

interface Building {
  readonly context: BuildContext
  /** ARGs from before the first FROM. */
  readonly global: Map<string, string>
  readonly stages: Map<string, Image>
  readonly folder: string
  /** ARGs of the stage that is being built. */
  args: Map<string, string>
}

/** Which flags of an instruction are carried out; any other fails. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  COPY: ['from'],
  RUN: ['mount'],
  HEALTHCHECK: ['interval', 'timeout', 'start-period', 'retries'],
}

/**
 * Builds a Dockerfile without an engine. Carried out, each in a chroot: RUN (shell form, cache mounts), COPY (from the context as the ignore file
 * lets it, and from stages), WORKDIR. Kept for the run: ENV, USER, ENTRYPOINT, CMD, STOPSIGNAL, HEALTHCHECK (its command), VOLUME, EXPOSE, LABEL.
 * FROM an image gives the stand-in of `makeBaseRoot`, whatever image it names. Any other instruction or flag fails.
 * @returns the last stage; `dispose` removes all of them.
 */
export function buildImage(dockerfile: string, context: BuildContext): { image: Image; dispose(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-image-'))
  const dispose = () => rmSync(folder, { recursive: true, force: true })
  try {
    const building: Building = { context, global: new Map(), stages: new Map(), folder, args: new Map() }
    let image: Image | undefined
    for (const instruction of parseDockerfile(readFileSync(dockerfile, 'utf8'))) image = step(building, image, instruction)
    if (image === undefined) throw new TypeError(`${dockerfile} has no FROM.`)
    return { image, dispose }
  } catch (error) {
    dispose()
    throw error
  }
}

function step(building: Building, image: Image | undefined, instruction: Instruction): Image | undefined {
  const { name, flags, rest, line } = instruction
  const unknown = [...flags.keys()].find(flag => FLAGS[name]?.includes(flag) !== true)
  if (unknown !== undefined) throw new TypeError(`Line ${line}: ${name} --${unknown} is not carried out here.`)
  if (name === 'FROM') return from(building, rest)
  if (image === undefined) {
    if (name !== 'ARG') throw new TypeError(`Line ${line}: ${name} before FROM.`)
    for (const [arg, value] of assignments(rest)) building.global.set(arg, value)
    return undefined
  }
  const values = new Map([...building.args, ...image.env])
  switch (name) {
    case 'ARG':
      for (const [arg, value] of assignments(rest)) building.args.set(arg, value)
      return image
    case 'ENV':
      for (const [variable, value] of assignments(substitute(rest, values))) image.env.set(variable, value)
      return image
    case 'LABEL':
      for (const [label, value] of assignments(substitute(rest, values))) image.labels.set(label, value)
      return image
    case 'WORKDIR':
      image.cwd = posix.resolve(image.cwd, substitute(rest, values))
      mkdirSync(join(image.root, image.cwd), { recursive: true })
      return image
    case 'COPY':
      copy(building, image, flags.get('from'), substitute(rest, values).split(/\s+/))
      return image
    case 'RUN':
      run(building, image, instruction)
      return image
    case 'USER':
      image.user = substitute(rest, values)
      return image
    case 'EXPOSE':
      image.exposed.push(...rest.split(/\s+/))
      return image
    case 'VOLUME':
      image.volumes.push(...words(instruction))
      return image
    case 'STOPSIGNAL':
      image.stopSignal = rest
      return image
    case 'HEALTHCHECK':
      image.health = words({ ...instruction, rest: rest.replace(/^CMD\s+/, '') })
      return image
    case 'ENTRYPOINT':
      image.entrypoint = words(instruction)
      return image
    case 'CMD':
      image.command = words(instruction)
      return image
    default:
      throw new TypeError(`Line ${line}: ${name} is not carried out here.`)
  }
}

function from(building: Building, rest: string): Image {
  const [, , stage] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(substitute(rest, building.global)) ?? []
  const name = stage ?? String(building.stages.size)
  const root = join(building.folder, name)
  makeBaseRoot(root)
  const image: Image = {
    root,
    env: new Map(),
    labels: new Map(),
    exposed: [],
    volumes: [],
    user: '0:0',
    cwd: '/',
    entrypoint: [],
    command: [],
    stopSignal: 'SIGTERM',
    health: undefined,
  }
  building.args = new Map()
  building.stages.set(name, image)
  return image
}

/** As Docker copies: a folder's content, a file to the path that is named, into a folder where that ends with a slash. */
function copy({ context, stages }: Building, image: Image, stage: string | undefined, paths: readonly string[]): void {
  const to = paths.at(-1)!
  const target = join(image.root, posix.resolve(image.cwd, to))
  const origin = stage === undefined ? undefined : stages.get(stage)
  if (stage !== undefined && origin === undefined) throw new TypeError(`COPY --from=${stage}: there is no such stage.`)
  if (paths.length > 2 && !to.endsWith('/')) throw new TypeError(`COPY of several needs a folder with a slash at its end, not ${to}.`)
  for (const path of paths.slice(0, -1)) {
    const source = origin === undefined ? context.path(path) : join(origin.root, path)
    const into = to.endsWith('/') && !statSync(source).isDirectory() ? join(target, basename(path)) : target
    mkdirSync(dirname(into), { recursive: true })
    // Between stages by links: a gigabyte less to write.
    execFileSync('cp', ['-a', ...(origin === undefined ? [] : ['-l']), '--no-target-directory', source, into])
  }
}

function run({ args }: Building, image: Image, { flags, rest }: Instruction): void {
  if (image.user !== '0:0') throw new TypeError('RUN as another user is not carried out here.')
  runIn(image.root, {
    command: ['/bin/sh', '-c', rest],
    env: new Map([...proxies(), ['HOME', '/root'], ...args, ...image.env]),
    cwd: image.cwd,
    user: image.user,
    binds: cacheMounts(flags.get('mount')),
  })
}

/** `type=cache,target=/…`: this machine's npm cache, so that a test does not fetch everything each time. */
function cacheMounts(mount: string | undefined): Bind[] {
  if (mount === undefined) return []
  const options = new Map(mount.split(',').map(option => option.split('=') as [string, string])) // `name=value` each, checked below
  const target = options.get('target')
  if (options.get('type') !== 'cache' || target?.endsWith('/.npm') !== true || options.size !== 2)
    throw new TypeError(`RUN --mount=${mount} is not carried out here.`)
  const cache = process.env.npm_config_cache ?? join(homedir(), '.npm')
  mkdirSync(cache, { recursive: true })
  return [{ from: cache, to: target, writable: true }]
}

/** How this machine reaches the registry, where it needs to be told. */
function proxies(): [string, string][] {
  return Object.entries(process.env).filter((entry): entry is [string, string] =>
    /^(https?_proxy|no_proxy|npm_config_registry|node_extra_ca_certs)$/i.test(entry[0]),
  )
}

function words({ rest, line, name }: Instruction): readonly string[] {
  const form = execForm(rest)
  // The shell form would put a shell between a signal and the process.
  if (form === undefined) throw new TypeError(`Line ${line}: ${name} must be a list of words.`)
  return form
}
