import { readFileSync } from 'node:fs'
import { MillraceError } from '../errors.ts'
import { type Read, wrong } from './settings.ts'

/** The stream and the trace that processes share, by URL; without them a process has its own, in its data directory. */
export interface Connections {
  readonly stream: Connection
  readonly trace: Connection & Partial<Retentions>
}

/** How long the trace is kept, and ids that producers sent, unless the trace's URL says otherwise. */
export interface Retentions {
  readonly traceRetentionMs: number
  readonly idRetentionMs: number
}

export interface Connection {
  readonly url: string
  /** From a setting of its own, so that it need not stand in the URL. Never shown. */
  readonly password?: string
}

const STREAM_SCHEMES = ['kafka:', 'kafkas:']
const TRACE_SCHEMES = ['redis:', 'rediss:', 'redis+sentinel:', 'rediss+sentinel:', 'redis+cluster:', 'rediss+cluster:']

export const streamUrl: Read<string> = (value, name) => url(value, name, STREAM_SCHEMES, 'kafka://host:9092')
export const traceUrl: Read<string> = (value, name) => url(value, name, TRACE_SCHEMES, 'redis://host:6379')

function url(value: unknown, name: string, schemes: readonly string[], example: string): string {
  const text = String(value)
  const scheme = /^[a-z+]+:(?=\/\/)/.exec(text)?.[0]
  if (scheme !== undefined && schemes.includes(scheme)) return text
  throw wrong(name, shownUrl(text), `a URL such as '${example}' (${schemes.map(each => `${each}//`).join(', ')})`)
}

/** The URL without its password: of what stands before the last `@`, nothing behind the first colon is shown, whatever the text is otherwise. */
export function shownUrl(text: string): string {
  const at = text.lastIndexOf('@')
  const begin = /^\s*[^/\s]*:\/\//.exec(text)?.[0].length ?? 0
  const colon = text.indexOf(':', begin)
  return at < 0 || colon < 0 || colon > at ? text : text.slice(0, colon) + text.slice(at)
}

/** The password that a variable holds, or the file that another one names. @throws CONFIG_INVALID where both are given, or there is no such file. */
export function passwordIn(env: Readonly<Record<string, string | undefined>>, variable: string): string | undefined {
  const value = env[variable]
  const file = env[`${variable}_FILE`]
  if (file === undefined || file === '') return value === '' ? undefined : value
  if (value !== undefined && value !== '')
    throw new MillraceError('CONFIG_INVALID', `${variable} and ${variable}_FILE are both set.`, { fix: 'Set one of them.' })
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (cause) {
    throw new MillraceError('CONFIG_INVALID', `${variable}_FILE names ${file}, which cannot be read: ${reason(cause)}.`, {
      fix: 'Name a file that this user may read.',
      cause,
    })
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

/** @throws CONFIG_INVALID where there is one of the two alone. */
export function connectionsOf(
  stream: string | undefined,
  trace: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  retentions: Retentions,
): Connections | undefined {
  if (stream === undefined && trace === undefined) return undefined
  if (stream === undefined || trace === undefined) {
    const [has, lacks, example] = stream === undefined ? ['trace', 'stream', 'kafka://host:9092'] : ['stream', 'trace', 'redis://host:6379']
    throw new MillraceError('CONFIG_INVALID', `There is a ${has} to connect to, and no ${lacks}: the two belong together.`, {
      fix: `Name the ${lacks} too: --${lacks} ${example} (or MILLRACE_${lacks.toUpperCase()}).`,
    })
  }
  return {
    stream: connection(stream, passwordIn(env, 'MILLRACE_STREAM_PASSWORD')),
    trace: { ...connection(trace, passwordIn(env, 'MILLRACE_TRACE_PASSWORD')), ...retentions },
  }
}

function connection(address: string, password: string | undefined): Connection {
  return password === undefined ? { url: address } : { url: address, password }
}
