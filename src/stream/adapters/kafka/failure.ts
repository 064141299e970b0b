import { MillraceError } from '../../../errors.ts'
import type { KafkaSasl } from './options.ts'

/** What can be read off an error of the client, of Node's sockets or of TLS. */
interface Cause {
  readonly code: string | undefined
  /** The protocol's name for an error that a broker answered with. */
  readonly apiId: string | undefined
  readonly message: string
  readonly canRetry: boolean | undefined
}

const MAX_CAUSES = 64
const DENIED = new Set(['TOPIC_AUTHORIZATION_FAILED', 'GROUP_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED'])
const LOGIN = new Set(['SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM', 'ILLEGAL_SASL_STATE'])
const CERTIFICATE = /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_|CERT_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA)/
const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ECONNRESET', 'EPIPE'])

/** Every error within an error: aggregates and causes, in any order. */
export function causesOf(error: unknown): Cause[] {
  const found: Cause[] = []
  const open: unknown[] = [error]
  while (open.length > 0 && found.length < MAX_CAUSES) {
    const next = open.pop()
    if (!(next instanceof Error)) continue
    const { code, apiId, canRetry, errors } = next as Error & { code?: unknown; apiId?: unknown; canRetry?: unknown; errors?: unknown }
    found.push({
      code: typeof code === 'string' ? code : undefined,
      apiId: typeof apiId === 'string' ? apiId : undefined,
      message: next.message,
      // The client calls every log-in that did not come through a failed one, also where the broker went away during it.
      canRetry: typeof canRetry === 'boolean' && code !== 'PLT_KFK_AUTHENTICATION' ? canRetry : undefined,
    })
    open.push(next.cause)
    if (Array.isArray(errors)) open.push(...errors)
  }
  return found
}

/** The protocol's names of what brokers answered with; empty where none answered. */
export function answersOf(error: unknown): string[] {
  return causesOf(error).flatMap(cause => (cause.apiId === undefined ? [] : [cause.apiId]))
}

/** Whether the same call may succeed a moment later: a broker is away, or a partition's leader or a group's coordinator is moving. */
export function isTransient(error: unknown): boolean {
  if (error instanceof MillraceError) return error.code === 'STREAM_UNAVAILABLE'
  const causes = causesOf(error)
  if (causes.some(cause => cause.code !== undefined && CERTIFICATE.test(cause.code))) return false
  const judged = causes.filter(cause => cause.canRetry !== undefined)
  return judged.length > 0 && judged.every(cause => cause.canRetry)
}

/** What failed, and with which words to say it. */
export interface Doing {
  /** As in "Kafka refuses to <what>." or "Kafka could not <what>." */
  readonly what: string
  /** Which right it takes, as in "Describe on the topic demand". */
  readonly right?: string
  readonly brokers: string
  readonly sasl?: KafkaSasl | undefined
}

/** Classifies an error of the client once, for everybody. A MillraceError stays what it is. */
export function kafkaFailure(error: unknown, doing: Doing): Error {
  if (error instanceof MillraceError || error instanceof TypeError) return error
  const causes = causesOf(error)
  const raise = (code: ConstructorParameters<typeof MillraceError>[0], what: string, fix: string) =>
    new MillraceError(code, what, { fix, cause: error })
  const has = (text: string) => causes.some(cause => cause.message.includes(text))
  const { brokers, sasl } = doing
  const user = sasl === undefined ? 'a client without a user name' : `the user ${JSON.stringify(sasl.username)}`

  if (causes.some(cause => cause.apiId !== undefined && DENIED.has(cause.apiId))) {
    const right = doing.right === undefined ? 'the right to it' : `the right: ${doing.right}`
    return raise('STREAM_DENIED', `Kafka refuses to ${doing.what} for ${user}.`, `Give it ${right} (kafka-acls --add).`)
  }
  if (has('Broker requires TLS')) {
    return raise('CONFIG_INVALID', `Kafka at ${brokers} speaks TLS, and was asked without.`, 'Use kafkas:// in place of kafka://.')
  }
  if (has('verify the broker supports TLS') || causes.some(cause => cause.code === 'ERR_SSL_WRONG_VERSION_NUMBER')) {
    return raise(
      'CONFIG_INVALID',
      `Kafka at ${brokers} does not speak TLS there, and was asked with it.`,
      'Use kafka:// in place of kafkas://, or the port that has TLS.',
    )
  }
  const certificate = causes.find(cause => cause.code !== undefined && CERTIFICATE.test(cause.code))
  if (certificate !== undefined) {
    return raise(
      'CONFIG_INVALID',
      `The certificate of Kafka at ${brokers} is not trusted: ${certificate.message} (${certificate.code}).`,
      'Give the file of the authority that signed it (ca=/path/ca.pem), and the name that it was made out to.',
    )
  }
  if (causes.some(cause => cause.apiId === 'ILLEGAL_SASL_STATE' || cause.apiId === 'UNSUPPORTED_SASL_MECHANISM')) {
    const offered = sasl === undefined ? 'without a user name' : `with ${sasl.mechanism}`
    return raise(
      'STREAM_DENIED',
      `Kafka at ${brokers} does not let anyone log in ${offered} at that port.`,
      'Check sasl= and the port: each listener has mechanisms of its own.',
    )
  }
  if (causes.some(cause => cause.apiId !== undefined && LOGIN.has(cause.apiId)) || (has('SASL') && !isTransient(error))) {
    return raise(
      'STREAM_DENIED',
      `Kafka at ${brokers} refuses ${user}: the name or the password is wrong.`,
      'Check both, and that the user exists for this mechanism.',
    )
  }
  if (isTransient(error)) {
    return raise(
      'STREAM_UNAVAILABLE',
      `Kafka at ${brokers} could not ${doing.what}: ${reasonOf(causes)}.`,
      'Check the address, and that the brokers run and can be reached from here.',
    )
  }
  return raise('ENGINE_FAILED', `Kafka could not ${doing.what}: ${reasonOf(causes)}.`, 'Look into the log of the broker.')
}

/** The plainest of what is known: what the socket said, else what the broker answered, else the first words there are. */
function reasonOf(causes: readonly Cause[]): string {
  const socket = causes.find(cause => cause.code !== undefined && UNREACHABLE.has(cause.code))
  const answered = causes.find(cause => cause.apiId !== undefined)
  if (answered !== undefined) return `${answered.apiId} (${answered.message.replace(/\.$/, '')})`
  return (socket ?? causes.findLast(cause => cause.message !== '') ?? { message: 'no reason was given' }).message.replace(/\.$/, '')
}
