import { type ByteSize, byteSize, type Duration, durationMs } from '../duration.ts'
import { MillraceError } from '../errors.ts'

/** Where a server listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** One setting's readers: from a flag, an environment variable or the configuration file, always as a person wrote it. */
export type Read<T> = (value: unknown, name: string) => T

/** `'127.0.0.1:7070'`, `'[::1]:7070'`, `':7070'` or `7070`; port 0 takes any that is free. */
export const address: Read<Address> = (value, name) => {
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[^:\s]*):)?(\d{1,5})$/.exec(String(value).trim())
  const port = Number(match?.[2])
  if (match === null || port > 65_535) throw wrong(name, value, "an address such as '127.0.0.1:7070' or ':7070', its port from 0 to 65535")
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '')
  return { host: host === '' ? '127.0.0.1' : host, port }
}

export const text: Read<string> = (value, name) => {
  if (typeof value !== 'string' || value.trim() === '') throw wrong(name, value, 'a text that is not empty')
  return value
}

export const textOrJson: Read<'text' | 'json'> = (value, name) => {
  if (value === 'text' || value === 'json') return value
  throw wrong(name, value, "'text' or 'json'")
}

export const duration: Read<number> = (value, name) => {
  try {
    return durationMs(value as Duration, name) // durationMs checks what it is given
  } catch (cause) {
    throw wrong(name, value, "a duration such as '250ms', '5s', '1m', '24h' or '7d'", cause)
  }
}

export const size: Read<number> = (value, name) => {
  try {
    return byteSize(value as ByteSize, name) // byteSize checks what it is given
  } catch (cause) {
    throw wrong(name, value, "a size such as '64kB', '10MB' or '2GB'", cause)
  }
}

export function wrong(name: string, value: unknown, allowed: string, cause?: unknown): MillraceError {
  const what = `${name} is ${JSON.stringify(value) ?? String(value)}.`
  return new MillraceError('CONFIG_INVALID', what, { fix: `It must be ${allowed}.`, ...(cause === undefined ? {} : { cause }) })
}
