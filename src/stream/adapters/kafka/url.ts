import { readFileSync } from 'node:fs'
import type { MillraceError } from '../../../errors.ts'
import {
  brokersOf,
  type Compression,
  type EnvelopeCodec,
  invalid,
  type KafkaOptions,
  type KafkaSasl,
  type KafkaTls,
  type SaslMechanism,
  settingsOf,
} from './options.ts'

/** What a URL does not say: whose pipeline it is, and secrets that come another way (an environment variable, a secret's file). */
export interface KafkaUrlContext extends Pick<KafkaOptions, 'pipeline' | 'clientId' | 'clock'> {
  readonly username?: string
  readonly password?: string
  /** Of the client's private key. */
  readonly passphrase?: string
}

const MECHANISMS: Readonly<Record<string, SaslMechanism>> = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
}
const CODECS: readonly EnvelopeCodec[] = ['json', 'msgpack', 'bson']
const COMPRESSIONS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const PARAMETERS = [
  'sasl',
  'prefix',
  'codec',
  'replication',
  'min_insync',
  'compression',
  'ca',
  'cert',
  'key',
  'session_ms',
  'send_timeout_ms',
]
const FORM = 'Write it as kafka://user:password@host:9092,host:9092?sasl=scram-sha-512 (kafkas:// for TLS).'

/**
 * Options from `kafka://user:password@h1:9092,h2:9092?sasl=scram-sha-512&prefix=team.`; `kafkas://` is TLS. Parameters: sasl (plain,
 * scram-sha-256, scram-sha-512), prefix, codec, replication, min_insync, compression, ca, cert, key (files), session_ms, send_timeout_ms.
 * User name and password are percent-encoded.
 * @throws CONFIG_INVALID naming what is wrong; never with the password.
 */
export function kafkaOptions(url: string, context: KafkaUrlContext): KafkaOptions {
  // Not URL: it takes one host, and a password that it does not like it would quote.
  const match = /^(kafkas?):\/\/(?:([^@/?#]*)@)?([^@/?#]*)\/?(?:\?([^#]*))?$/.exec(url)
  if (match === null) throw invalid('the address is not a Kafka URL', FORM)
  const [, scheme, credentials, hosts = '', query = ''] = match
  // Where a password has a '?' or a '/' in it, hosts and query hold its halves: neither is quoted before both are known to be what they seem.
  if (query.includes('@')) {
    throw invalid("the URL has an '@' behind its hosts", "Write '@' as %40 there, and in a password also '/' as %2F and '?' as %3F.")
  }
  const brokers = hosts.split(',').filter(host => host !== '')
  brokersOf(brokers)
  const parameters = parametersOf(query)
  const tls = tlsOf(scheme === 'kafkas', parameters, context.passphrase)
  const sasl = saslOf(credentials, parameters.get('sasl'), context)
  const options: KafkaOptions = {
    brokers,
    pipeline: context.pipeline,
    ...(context.clientId === undefined ? {} : { clientId: context.clientId }),
    ...(context.clock === undefined ? {} : { clock: context.clock }),
    ...optional('prefix', parameters.get('prefix')),
    ...optional('codec', oneOf('codec', parameters.get('codec'), CODECS)),
    ...optional('compression', oneOf('compression', parameters.get('compression'), COMPRESSIONS)),
    ...optional('replication', numberOf('replication', parameters)),
    ...optional('minInsyncReplicas', numberOf('min_insync', parameters)),
    ...optional('sessionTimeoutMs', numberOf('session_ms', parameters)),
    ...optional('sendTimeoutMs', numberOf('send_timeout_ms', parameters)),
    ...optional('tls', tls),
    ...optional('sasl', sasl),
  }
  // The pipeline's name is not the URL's: whoever opens the stream is told when it cannot be used.
  settingsOf({ ...options, pipeline: 'any' })
  return options
}

function parametersOf(query: string): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    if (!PARAMETERS.includes(name))
      throw invalid(`the URL's parameter ${JSON.stringify(name)} is unknown`, `There are ${PARAMETERS.join(', ')}.`)
    if (parameters.has(name)) throw invalid(`the URL has ${name} twice`, 'Give it once.')
    parameters.set(name, value)
  }
  return parameters
}

function tlsOf(secure: boolean, parameters: ReadonlyMap<string, string>, passphrase: string | undefined): KafkaTls | undefined {
  const files = ['ca', 'cert', 'key'].filter(name => parameters.has(name))
  if (!secure) {
    if (files.length > 0) throw invalid(`the URL has ${files.join(', ')} and no TLS`, 'Write kafkas:// in place of kafka://.')
    return undefined
  }
  if (parameters.has('cert') !== parameters.has('key')) throw invalid('cert and key go together, and one is missing', 'Give both files.')
  const pem = Object.fromEntries(files.map(name => [name, pemOf(name, parameters.get(name)!)]))
  return { ...pem, ...(passphrase === undefined ? {} : { passphrase }) }
}

function pemOf(name: string, file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw Object.assign(invalid(`the file of ${name}, ${file}, cannot be read`, 'Check its path and its rights.'), { cause })
  }
  if (!text.includes('-----BEGIN ')) throw invalid(`the file of ${name}, ${file}, is not PEM`, 'Give a file that begins with -----BEGIN.')
  return text
}

function saslOf(credentials: string | undefined, mechanism: string | undefined, context: KafkaUrlContext): KafkaSasl | undefined {
  const colon = credentials?.indexOf(':') ?? -1
  const username = credentials === undefined ? context.username : decoded(colon < 0 ? credentials : credentials.slice(0, colon))
  const password = credentials === undefined || colon < 0 ? context.password : decoded(credentials.slice(colon + 1))
  if (username === undefined && password === undefined && mechanism === undefined) return undefined
  const known = MECHANISMS[(mechanism ?? '').toLowerCase()]
  if (known === undefined) {
    throw invalid(
      mechanism === undefined ? 'there is a user name or a password, and no sasl=' : `sasl=${mechanism} is unknown`,
      `Add ?sasl= with one of ${Object.keys(MECHANISMS).join(', ')}.`,
    )
  }
  if (!username) throw invalid(`sasl=${mechanism} needs a user name`, FORM)
  if (!password) throw invalid(`sasl=${mechanism} needs a password`, 'Put it into the URL after the user name, or give it as a secret.')
  return { mechanism: known, username, password }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // The text is half a password: it is not shown, and neither is the error, which quotes it.
    throw invalid('the user name or the password is not percent-encoded', 'Write a literal % as %25.')
  }
}

function oneOf<T extends string>(name: string, value: string | undefined, allowed: readonly T[]): T | undefined {
  const found = allowed.find(one => one === value)
  if (value !== undefined && found === undefined) throw invalid(`${name}=${value} is unknown`, `Use one of ${allowed.join(', ')}.`)
  return found
}

function numberOf(name: string, parameters: ReadonlyMap<string, string>): number | undefined {
  const value = parameters.get(name)
  if (value === undefined) return undefined
  if (!/^\d{1,9}$/.test(value)) throw wholeNumber(name, value)
  return Number(value)
}

function wholeNumber(name: string, value: string): MillraceError {
  return invalid(`${name}=${value} is not a whole number`, 'Give digits only.')
}

function optional<K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } {
  // A computed key widens to string: the name is the one asked for.
  return value === undefined ? {} : ({ [name]: value } as { readonly [P in K]?: V })
}
