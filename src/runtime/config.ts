import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Access } from '../console/log-in/access.ts'
import type { ByteSize, Duration } from '../duration.ts'
import type { EmbeddedOptions } from '../engine/embedded/index.ts'
import { isMillraceError, MillraceError } from '../errors.ts'
import { completeLimits, type Limits } from '../frontend/limits.ts'
import { type Connections, connectionsOf, streamUrl, traceUrl } from './connections.ts'
import { type ExportSettings, otlpEndpointIn, otlpUrl, tracesPerSecond } from './export-settings.ts'
import { followGenerations } from './generations.ts'
import { OPS_SETTINGS, type OpsFlag, opsAccess } from './ops-access.ts'
import { ALL_ROLES, agentNames, type Runs, roles } from './roles.ts'
import { type Address, address, duration, type Read, size, text, textOrJson, wrong } from './settings.ts'

/** What `millrace.config.ts` may say. Everything has a default; a flag or an environment variable goes before it. */
export interface Settings {
  /** Where producers send, such as `'127.0.0.1:7070'` (the default). Other than loopback needs API keys. */
  readonly listen?: string
  /** Where operators look: trace, metrics, cache, health. Default `'127.0.0.1:7071'`. */
  readonly ops?: string
  /**
   * What the operators' listener answers without a log-in: `'health'` (yes or no; the default), `'metrics'`, too, or `'all'`, for what stands behind
   * another log-in.
   */
  readonly opsOpen?: 'health' | 'metrics' | 'all'
  /** What browsers call the operators' listener where a proxy stands before it, such as `'https://grid.example.com'`. */
  readonly opsUrl?: string
  /** The file of the operators' tokens. Default: `ops-tokens.json` in the data directory. */
  readonly opsTokens?: string
  /** Operators log in at an OpenID Connect provider. The client's secret: MILLRACE_OIDC_CLIENT_SECRET, or its `_FILE`. */
  readonly oidc?: {
    readonly issuer?: string
    readonly clientId?: string
    /** The claim that says who may do what. Default `'groups'`. */
    readonly claim?: string
    /** Values of it that make a viewer; `'*'`: whoever logs in. */
    readonly viewers?: string | readonly string[]
    /** Values of it that make an operator. */
    readonly operators?: string | readonly string[]
  }
  /** Where workers of attached agents take their work. Default `'127.0.0.1:7072'`; other than loopback needs keys of agents. */
  readonly attach?: string
  /** The data directory. Default `'./.millrace'`. */
  readonly data?: string
  /** A folder of static files that the operators' listener serves at `/`. */
  readonly page?: string
  /** The stream that processes share, such as `'kafka://host:9092'`; with `trace`. Default: the process's own, in its data directory. */
  readonly stream?: string
  /** The trace that processes share, such as `'redis://host:6379'`. */
  readonly trace?: string
  /** What this process does: `'frontend'`, `'agents'`, `'storage'`, `'console'`, several of them, or `'all'` (the default). */
  readonly role?: string | readonly string[]
  /** The agents that this process runs, by name or name@version. Default: all of its roles. */
  readonly agents?: string | readonly string[]
  /** How much the front end may keep on its own disk while a shared stream is away; 0: nothing. Default `'1GB'`. */
  readonly spill?: ByteSize
  /** The file of the producers' API keys. Default: `keys.json` in the data directory. */
  readonly keys?: string
  /** The file of the keys by which workers attach. Default: `agent-keys.json` in the data directory. */
  readonly agentKeys?: string
  /** Whose stream and trace the command line looks at, where no pipeline's file is given and several share them. */
  readonly pipeline?: string
  readonly retention?: {
    /** How long ids that producers sent are remembered, to recognise what is sent again. Default `'7d'`. */
    readonly ids?: Duration
    /** How long the trace is kept. Default `'24h'`. */
    readonly trace?: Duration
    /** How long a dead letter waits for a person before it expires, which is counted. Default: for ever. */
    readonly letters?: Duration
  }
  /** The most that the data may take on disk; beyond it producers hear 507 until retention has made room. Default: the disk. */
  readonly size?: ByteSize
  /** The front end's limits, such as `{ bodyBytes: 1_000_000 }`. */
  readonly limits?: Partial<Limits>
  /** Where metrics and traces go by OTLP over HTTP, such as `'http://collector:4318'`. Default: `OTEL_EXPORTER_OTLP_ENDPOINT`, else nowhere. */
  readonly otlp?: string
  /** Of how many data a second a trace goes out by OTLP, at most. 0: of none. Default 1. */
  readonly otlpTraces?: number
  /** How what happens is said on stderr: `'text'`, or `'json'`, a document a line. Default: text on a terminal, json elsewhere. */
  readonly log?: string
  /** Where metrics go as DogStatsD by UDP, such as `'127.0.0.1:8125'`. Default: nowhere. */
  readonly dogstatsd?: string
  readonly threads?: {
    /** The most memory that one agent's thread may take before it is started anew. Default `'512MB'`. */
    readonly memory?: ByteSize
  }
}

/** Settings, read and checked. */
export interface Config {
  readonly listen: Address
  readonly ops: Address
  readonly opsAccess: Access
  readonly attach: Address
  /** Absolute. */
  readonly data: string
  readonly page?: string
  readonly idRetentionMs: number
  readonly traceRetentionMs: number
  /** Undefined: dead letters are kept until a person discards them. */
  readonly letterRetentionMs?: number
  readonly maxBytes?: number
  readonly threadBytes: number
  readonly limits: Limits
  /** Undefined: the embedded engine, in `data`. */
  readonly connections?: Connections
  readonly runs: Runs
  readonly spillBytes: number
  /** Absolute. */
  readonly keysFile: string
  /** Absolute. */
  readonly agentKeysFile: string
  readonly pipeline?: string
  readonly exports: ExportSettings
  /** Undefined: as fits where it is written to. */
  readonly logFormat?: 'text' | 'json'
}

/** The engine's part of it: the same for whoever opens the data directory, or a short visit would delete what is to be kept for longer. */
export function engineOptions({ data, idRetentionMs, traceRetentionMs, maxBytes }: Config): EmbeddedOptions {
  return { directory: data, idRetentionMs, traceRetentionMs, ...(maxBytes === undefined ? {} : { maxBytes }) }
}

/** What the command line may give, as written. */
export type Flags = { readonly [name in Setting]?: string | undefined }
type Setting =
  | 'listen'
  | 'ops'
  | OpsFlag
  | 'attach'
  | 'data'
  | 'page'
  | 'size'
  | 'stream'
  | 'trace'
  | 'role'
  | 'agents'
  | 'spill'
  | 'pipeline'
  | 'otlp'
  | 'otlpTraces'
  | 'dogstatsd'
  | 'log'

const CONFIG_FILES = ['millrace.config.ts', 'millrace.config.js', 'millrace.config.mjs']

/** Types the settings in `millrace.config.ts`: `export default defineConfig({ listen: '127.0.0.1:8080' })`. */
export function defineConfig(settings: Settings): Settings {
  return settings
}

/**
 * Flags before environment before `millrace.config.ts` in `cwd` before defaults.
 * @throws CONFIG_INVALID naming the setting as it was written, its value and what is allowed.
 */
export async function resolveConfig(from: {
  readonly flags?: Flags
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
}): Promise<Config> {
  const cwd = from.cwd ?? process.cwd()
  const env = from.env ?? process.env
  const file = await readConfigFile(cwd)

  const pick = <T>(read: Read<T>, name: string, fallback?: unknown, flag?: Setting): T | undefined => {
    const variable = `MILLRACE_${name.replace(/\.|(?=[A-Z])/g, '_').toUpperCase()}`
    if (flag !== undefined && from.flags?.[flag] !== undefined) return read(from.flags[flag], `--${dashed(flag)}`)
    if (env[variable] !== undefined && env[variable] !== '') return read(env[variable], variable)
    const written = file?.values.get(name)
    if (written !== undefined) return read(written, `${name} in ${file?.path}`)
    return fallback === undefined ? undefined : read(fallback, name)
  }

  const page = pick(text, 'page', undefined, 'page')
  const maxBytes = pick(size, 'size', undefined, 'size')
  const retentions = { idRetentionMs: pick(duration, 'retention.ids', '7d')!, traceRetentionMs: pick(duration, 'retention.trace', '24h')! }
  const letterRetentionMs = pick(duration, 'retention.letters', undefined)
  const [stream, trace] = [pick(streamUrl, 'stream', undefined, 'stream'), pick(traceUrl, 'trace', undefined, 'trace')]
  const connections = connectionsOf(stream, trace, env, retentions)
  if (connections !== undefined && maxBytes !== undefined) throw sizeOfShared()
  const only = pick(agentNames, 'agents', undefined, 'agents')
  const runs = { roles: pick(roles, 'role', 'all', 'role')!, ...(only === undefined ? {} : { only }) }
  if (connections === undefined) checkAlone(runs)
  const data = resolve(cwd, pick(text, 'data', './.millrace', 'data')!)
  const pipeline = pick(text, 'pipeline', undefined, 'pipeline')
  const logFormat = pick(textOrJson, 'log', undefined, 'log')
  const otlp = pick(otlpUrl, 'otlp', otlpEndpointIn(env), 'otlp')
  const dogstatsd = pick(address, 'dogstatsd', undefined, 'dogstatsd')
  return {
    listen: pick(address, 'listen', '127.0.0.1:7070', 'listen')!,
    ops: pick(address, 'ops', '127.0.0.1:7071', 'ops')!,
    opsAccess: opsAccess(pick, { cwd, data, env }),
    attach: pick(address, 'attach', '127.0.0.1:7072', 'attach')!,
    data,
    ...(page === undefined ? {} : { page: resolve(cwd, page) }),
    ...retentions,
    ...(letterRetentionMs === undefined ? {} : { letterRetentionMs }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    threadBytes: pick(size, 'threads.memory', '512MB')!,
    limits: completeLimits(limitsIn(file)),
    ...(connections === undefined ? {} : { connections }),
    runs,
    spillBytes: pick(size, 'spill', '1GB', 'spill')!,
    keysFile: resolve(cwd, pick(text, 'keys', join(data, 'keys.json'))!),
    agentKeysFile: resolve(cwd, pick(text, 'agentKeys', join(data, 'agent-keys.json'))!),
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(logFormat === undefined ? {} : { logFormat }),
    exports: {
      ...(otlp === undefined ? {} : { otlp }),
      ...(dogstatsd === undefined ? {} : { dogstatsd }),
      tracesPerSecond: pick(tracesPerSecond, 'otlpTraces', 1, 'otlpTraces')!,
    },
  }
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

function sizeOfShared(): MillraceError {
  return new MillraceError(
    'CONFIG_INVALID',
    'A size is set, which bounds a data directory, and data are in a stream that processes share.',
    {
      fix: "Leave it out (--size, MILLRACE_SIZE, size), and bound topics by their retention: topic('demand', …, { retention: { size: '10GB' } }).",
    },
  )
}

/** A part of a pipeline on a stream of its own would wait for ever for the others. */
function checkAlone({ roles: own, only }: Runs): void {
  if (own.size === ALL_ROLES.length && only === undefined) return
  const what = only === undefined ? `The role ${[...own].join(', ')}` : `A process that runs ${only.join(', ')} alone`
  throw new MillraceError('CONFIG_INVALID', `${what} needs a stream and a trace that the other processes share.`, {
    fix: 'Name them: --stream kafka://host:9092 --trace redis://host:6379.',
  })
}

/** Names that the file may set, a dot between a group and its member. */
const NAMES = [
  ...['listen', 'ops', 'attach', 'data', 'page', 'size', 'stream', 'trace', 'role', 'agents', 'spill', 'keys', 'agentKeys', 'pipeline'],
  ...['otlp', 'otlpTraces', 'dogstatsd', 'log'],
  ...OPS_SETTINGS,
  ...['retention.ids', 'retention.trace', 'retention.letters', 'threads.memory', 'limits'],
]
const GROUPS = ['retention', 'threads', 'oidc']

interface ConfigFile {
  readonly path: string
  readonly values: ReadonlyMap<string, unknown>
}

function limitsIn(file: ConfigFile | undefined): Partial<Limits> {
  const limits = file?.values.get('limits')
  // completeLimits checks each name and value.
  return file === undefined || limits === undefined ? {} : (Object.fromEntries(entriesOf(limits, 'limits', file.path)) as Partial<Limits>)
}

async function readConfigFile(cwd: string): Promise<ConfigFile | undefined> {
  const path = CONFIG_FILES.map(name => resolve(cwd, name)).find(candidate => existsSync(candidate))
  if (path === undefined) return undefined
  const settings = await importSettings(path)
  const values = new Map<string, unknown>()
  for (const [name, value] of entriesOf(settings, 'The default export', path)) {
    if (!GROUPS.includes(name)) values.set(name, value)
    else for (const [member, inner] of entriesOf(value, name, path)) values.set(`${name}.${member}`, inner)
  }
  for (const name of values.keys()) {
    // A setting that is misspelt would otherwise do nothing, in silence.
    if (!NAMES.includes(name))
      throw new MillraceError('CONFIG_INVALID', `${path} sets '${name}', which is no setting.`, { fix: `It may set ${NAMES.join(', ')}.` })
  }
  return { path, values }
}

async function importSettings(path: string): Promise<unknown> {
  followGenerations()
  try {
    // A module's namespace is whatever the user wrote; entriesOf checks it.
    return ((await import(pathToFileURL(path).href)) as { default?: unknown }).default
  } catch (cause) {
    if (isMillraceError(cause)) throw cause
    throw new MillraceError('CONFIG_INVALID', `${path} does not load: ${cause instanceof Error ? cause.message : String(cause)}.`, {
      fix: 'It must export its settings: export default defineConfig({ … })',
      cause,
    })
  }
}

function entriesOf(value: unknown, name: string, path: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${name} of ${path}`, value, 'an object of settings')
  return Object.entries(value)
}
