import { MillraceError } from '../../errors.ts'
import type { Target } from '../agent.ts'
import { Blocked } from '../blocked.ts'

/** The version of docs/protocol.md that is spoken. */
export const PROTOCOL = 1

/** What to do about a program that prints what is no message. */
export const STDOUT = 'Its stdout is for messages alone: let it print everything else to stderr (docs/protocol.md).'

/** What is said to a program beside data, which `encoded` writes. */
export type ToProgram =
  | {
      readonly type: 'hello'
      readonly protocol: number
      readonly agent: string
      readonly version: number
      readonly codec: 'json'
      readonly targets: readonly string[]
      readonly addressed: boolean
    }
  /** Nobody waits for these any more: what has not been begun need not be. They are answered all the same, with anything. */
  | { readonly type: 'cancel'; readonly n: readonly number[] }
  | { readonly type: 'ping' }
  /** Nothing more will come: answer what is in hand and end. */
  | { readonly type: 'drain' }

/** What became of one datum. */
export type Answer =
  | { readonly n: number; readonly outputs: readonly unknown[] }
  | { readonly n: number; readonly error: RemoteError | Blocked }

export type FromProgram =
  | { readonly type: 'hello'; readonly name: string }
  | { readonly type: 'results'; readonly results: readonly Answer[] }
  | { readonly type: 'pong' }

/** What a program said of a datum on which it failed. */
export class RemoteError extends Error {
  /** Whether trying again may help. */
  readonly retryable: boolean

  constructor(name: string, message: string, stack: string | undefined, retryable: boolean) {
    super(message)
    this.name = name
    this.retryable = retryable
    this.stack = stack ?? `${name}: ${message}`
  }
}

/** @throws REMOTE_BROKEN where the line is no message of the protocol. */
export function readMessage(line: string, targets: ReadonlyMap<string, Target>, addressed: boolean): FromProgram {
  let message: unknown
  try {
    message = JSON.parse(line)
  } catch {
    throw broken(`it printed ${shown(line)}, which is no JSON`, STDOUT)
  }
  if (!isObject(message)) throw broken(`it printed ${shown(line)}, which is no message`, STDOUT)
  if (message.type === 'hello') return readHello(message)
  if (message.type === 'results') return { type: 'results', results: readResults(message.results, targets, addressed) }
  if (message.type === 'pong') return { type: 'pong' }
  throw broken(`it sent a message of type ${shown(message.type)}`)
}

/** @param what it did, as a clause. */
export function broken(what: string, fix = 'What it must answer is in docs/protocol.md.'): MillraceError {
  return new MillraceError('REMOTE_BROKEN', `The agent’s program does not keep to the protocol: ${what}.`, { fix })
}

function readHello({ protocol, name }: Record<string, unknown>): FromProgram {
  if (protocol !== PROTOCOL) throw broken(`it speaks version ${shown(protocol)}, and ${PROTOCOL} is spoken here`)
  return { type: 'hello', name: typeof name === 'string' ? name : 'a program' }
}

/** @param wrong makes the error of results that are none, from what is wrong as a clause. @throws what it makes. */
export function readResults(
  results: unknown,
  targets: ReadonlyMap<string, Target>,
  addressed: boolean,
  wrong: (what: string) => MillraceError = broken,
): readonly Answer[] {
  if (!Array.isArray(results)) throw wrong('its results are no list')
  return results.map((result: unknown) => {
    if (!isObject(result) || typeof result.n !== 'number') throw wrong(`a result is ${shown(result)}, without the n of a datum`)
    const { n, outputs, error } = result
    if (error !== undefined && error !== null) return { n, error: readError(error) }
    if (outputs === undefined || outputs === null) return { n, outputs: [] }
    if (!Array.isArray(outputs)) throw wrong(`the outputs of a result are ${shown(outputs)} and no list`)
    try {
      return { n, outputs: addressed ? outputs.map((output, i) => readAddressed(output, i, targets)) : outputs }
    } catch (error) {
      // It is the one datum's output that is wrong, not the program's speech.
      return { n, error: error as RemoteError }
    }
  })
}

function readAddressed(output: unknown, index: number, targets: ReadonlyMap<string, Target>): unknown {
  const to = isObject(output) && typeof output.to === 'string' ? targets.get(output.to) : undefined
  if (to !== undefined && isObject(output)) return { to, value: output.value }
  const names = [...targets.keys()].join(', ')
  throw new RemoteError(
    'OUTPUT_INVALID',
    `Output ${index + 1} is ${shown(output)}: it must be {"to": …, "value": …} and name one of the agent’s targets (${names}).`,
    undefined,
    false,
  )
}

function readError(error: unknown): RemoteError | Blocked {
  if (!isObject(error)) return new RemoteError('Error', shown(error), undefined, true)
  const { name, message, stack, retryable, blocked_on: on } = error
  if (typeof on === 'string') return new Blocked(on, typeof message === 'string' && message !== '' ? { cause: message } : {})
  return new RemoteError(
    typeof name === 'string' ? name : 'Error',
    typeof message === 'string' ? message : shown(error),
    typeof stack === 'string' ? stack : undefined,
    retryable !== false,
  )
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const SHOWN_CHARACTERS = 100

/** The beginning of what was said, in quotes, for a sentence about it. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  const [line = ''] = text.split('\n', 1)
  return line.length > SHOWN_CHARACTERS ? `'${line.slice(0, SHOWN_CHARACTERS)}…'` : `'${line}'`
}
