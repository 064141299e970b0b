import type { StandardSchemaV1 } from '../../envelope/schema.ts'
import type { Topic } from '../../stream/topic.ts'
import type { Agent, FoldedAt, FoldState } from '../agent.ts'

/**
 * An agent of Millrace's own that makes what a user's agent reads.
 * @param attempts until a datum is given up on. Infinity where what it puts out is of many data, and must not be lost with the one that happened
 * to be in its hands: its handler sees to it that no datum fails for ever.
 */
export function ownAgent(
  agent: Pick<Agent, 'name' | 'version' | 'from' | 'to' | 'by' | 'state' | 'handler' | 'start' | 'partOf'>,
  attempts: number,
): Agent {
  return {
    kind: 'agent',
    addressed: true,
    window: undefined,
    gather: undefined,
    concurrency: 1,
    replicas: { min: 1, max: 1 },
    timeoutMs: 30_000,
    retry: { attempts, backoffMs: 100, maxBackoffMs: 10_000 },
    ordered: true,
    journal: false,
    addresses: agent.to,
    ...{ replaces: undefined, ramp: undefined, shadow: false },
    // Late data may be many, and are no fault of the agent's: nothing pauses it.
    ...{ batch: undefined, breaker: undefined, batchHandler: undefined, remote: undefined },
    ...agent,
  }
}

/** A fold over all of a partition: {@link FoldState} with its types. */
interface OwnFold<Datum, State> {
  readonly init: () => State
  readonly update: (state: State, datum: Datum, at: FoldedAt) => State
  readonly again: (state: State) => State
  readonly size: (state: State) => number
  readonly save: (state: State) => unknown
  readonly load: (saved: unknown) => State
  readonly begin: (state: State) => boolean
}

/** The parts of an agent that keeps one. @param putOut what it puts out after a datum. */
export function ownFold<Datum, State>(
  fold: OwnFold<Datum, State>,
  putOut: (datum: Datum, state: State, attempt: number) => unknown,
): Pick<Agent, 'by' | 'state' | 'handler'> {
  return {
    by: () => '',
    // It is handed back what it gave, and the datum is what its topic's schema made of it.
    state: fold as unknown as FoldState,
    handler: (datum, { state, attempt }) => putOut(datum as Datum, state as State, attempt),
  }
}

/**
 * A topic of Millrace's own between two agents, as wide as those that it is made of and kept as long. Where one of them hides a field, all of it
 * is hidden: it may be anywhere in what was made of it.
 */
export function ownTopic<T extends { readonly key: string }>(
  name: string,
  from: readonly Topic[],
  read: (value: unknown) => T,
): Topic<unknown, T> {
  return {
    kind: 'topic',
    name,
    schema: reading(read),
    keyOf: datum => datum.key,
    ...(from.some(({ mask }) => mask !== undefined) ? { mask: true } : {}),
    spec: {
      name,
      partitions: Math.max(...from.map(({ spec }) => spec.partitions)),
      retentionMs: Math.max(...from.map(({ spec }) => spec.retentionMs)),
    },
  }
}

/** The schema of what Millrace itself has written. @param read throws where it is not what it should be. */
export function reading<T>(read: (value: unknown) => T): StandardSchemaV1<unknown, T> {
  return {
    '~standard': {
      version: 1,
      vendor: 'millrace',
      validate: value => {
        try {
          return { value: read(value) }
        } catch (cause) {
          return { issues: [{ message: cause instanceof Error ? cause.message : String(cause) }] }
        }
      },
    },
  }
}

/** @throws TypeError where it is not an object. */
export function objectOf(value: unknown): Record<string, unknown> {
  // An object that is no array has properties of any kind.
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new TypeError('Expected an object.')
}
