import { type Duration, durationMs } from '../duration.ts'
import type { Envelope } from '../envelope/envelope.ts'
import type { Start } from '../stream/stream.ts'
import { checkName, type Topic } from '../stream/topic.ts'
import type { Cache } from './cache.ts'
import type { Remote } from './remote.ts'

/** Where an agent's outputs may go. */
export type Target = Topic | Cache
type OneOrMany<T> = T | readonly T[]

type OutOf<T> = T extends Topic<infer _In, infer Out> ? Out : never

/** What a handler of these topics gets: the schemas' output types. */
export type DatumOf<From extends OneOrMany<Topic>> = From extends readonly (infer T)[] ? OutOf<T> : OutOf<From>
/** What may be returned for one target: its schema's input type. */
type InputFor<T> = T extends { readonly schema: { readonly '~standard': { readonly types?: { readonly input: infer In } | undefined } } }
  ? In
  : never

/** An output addressed to one of several targets; made by {@link out}. */
export interface Addressed<T extends Target = Target> {
  readonly to: T
  readonly value: InputFor<T>
}

/** Addresses an output, for an agent with several targets: `return [out(alert, {…}), out(average, {…})]`. */
export function out<T extends Target>(to: T, value: InputFor<T>): Addressed<T> {
  return { to, value }
}

/** A value that is only read: a literal's arrays are inferred as readonly, and a schema's type seldom says so. */
type ReadOnly<T> = unknown extends T ? T : T extends Uint8Array | Date ? T : { readonly [K in keyof T]: ReadOnly<T[K]> }

/** One output: the value itself where there is one target, addressed where there are several. */
type Output<To> = To extends readonly (infer T)[] ? (T extends Target ? Addressed<T> : never) : ReadOnly<InputFor<To>>
/** What a handler may return: one output, many, or nothing. */
export type Accepts<To> = To extends undefined ? undefined | void : Output<To> | readonly Output<To>[] | null | undefined | void

/** The fold that an agent keeps for each key. Both must be pure: they are run again when the state is rebuilt from the log. */
export interface State<Datum, S> {
  readonly init: () => S
  /** Returns the new state; structured-cloneable (it is snapshotted). */
  readonly update: (state: S, datum: Datum) => S
}

/** What a handler is given beside the datum. */
export interface Context<Datum, Window extends number | undefined, S> {
  /** The last `window` data of the datum's key, oldest first, the datum itself last. Fewer at first. */
  readonly window: Window extends number ? readonly Datum[] : never
  /** The key's state with this datum folded in. */
  readonly state: S
  /** The datum's id, source, time, topic and bytes. */
  readonly envelope: Envelope
  /** Aborts when the timeout passes or the agent stops: hand it to whatever waits. */
  readonly signal: AbortSignal
  /** 1 the first time; more after failures. */
  readonly attempt: number
}

export interface RetryPolicy {
  /** Attempts in all before a datum goes to the dead letters. Default 5. */
  readonly attempts?: number
  /** Wait before the second attempt; it doubles each time, with jitter. Default `'100ms'`. */
  readonly backoff?: Duration
  /** The longest wait between two attempts. Default `'10s'`. */
  readonly maxBackoff?: Duration
}

export interface AgentOptions<
  From extends OneOrMany<Topic>,
  To extends OneOrMany<Target> | undefined,
  Window extends number | undefined,
  S,
> {
  /** A whole number from 1. Versions run side by side, each with its own place in the stream. */
  readonly version: number
  /** The topic or topics that it reads. */
  readonly from: From
  /** Where its outputs go: a topic, a cache, or several, each output then addressed by {@link out}. Without it the handler returns nothing. */
  readonly to?: To
  /** The key of `window` and `state`, and what stays in order. It must be constant within a partition's key: give the topic the same key. */
  readonly by?: (datum: DatumOf<From>) => string
  /** How many of a key's last data the handler sees, 1 to 100,000. Needs `by`. */
  readonly window?: Window
  /** A value kept for each key, folded from its data. Needs `by`. */
  readonly state?: State<DatumOf<From>, S>
  /** How many data are in hand at once (only a handler that waits gains by it). Those of one key never overlap where there is `by`. Default 1. */
  readonly concurrency?: number
  /** The longest one attempt may take. Default `'30s'`. */
  readonly timeout?: Duration
  /** How a datum that fails is tried again before it is a dead letter. */
  readonly retry?: RetryPolicy
  /** A failing datum holds back what follows it in its partition until it succeeds or is dead. Default: whether there is `by`. */
  readonly ordered?: boolean
  /**
   * For a handler that is not deterministic (it draws lots, asks a model, looks at the clock): the outputs of a datum's first run are made durable
   * before anything of them takes effect, and every later run uses those. Costs one more append for each batch where the engine is not
   * transactional, and nothing where it is.
   */
  readonly journal?: boolean
  /** The version whose place in the stream and edition this one takes over. */
  readonly replaces?: number
  /**
   * The share of the keys that it gets, 0 to 1, while the version that it `replaces` is in the pipeline, too, and works on the others
   * (docs/versions.md). `millrace ramp` changes it while they run.
   */
  readonly ramp?: number
  /**
   * Runs beside the live version, at a place of its own, with its outputs kept apart for a day, until it is promoted or taken away
   * (docs/versions.md). What the handler itself calls is not kept apart.
   */
  readonly shadow?: boolean
  /** Where a new agent begins in its topics: `'earliest'`, `'latest'` or `{ timeMs }`, milliseconds since 1970 UTC. Default `'earliest'`. */
  readonly start?: Start
}

/** A declared agent, its defaults filled in. What the runner works from. */
export interface Agent {
  readonly kind: 'agent'
  readonly name: string
  readonly version: number
  readonly from: readonly Topic[]
  readonly to: readonly Target[]
  /** What the handler knows each of `to` by: a shadow's outputs go elsewhere. */
  readonly addresses: readonly Target[]
  /** Outputs come addressed by {@link out}. */
  readonly addressed: boolean
  readonly by: ((datum: unknown) => string) | undefined
  readonly window: number | undefined
  readonly state: State<unknown, unknown> | undefined
  readonly concurrency: number
  readonly timeoutMs: number
  readonly retry: { readonly attempts: number; readonly backoffMs: number; readonly maxBackoffMs: number }
  readonly ordered: boolean
  readonly journal: boolean
  readonly replaces: number | undefined
  readonly ramp: number | undefined
  /** The version that gets a share of its keys: made of two declarations by pipeline(). */
  readonly ramps?: { readonly agent: Agent; readonly share: number }
  /** As declared; what runs then is made of it by `shadow.ts`. */
  readonly shadow: boolean
  readonly start: Start
  /** Undefined where it is a remote agent. */
  readonly handler: Handler | undefined
  /** What works on its data in place of a handler. */
  readonly remote: Remote | undefined
}

export type Handler = (datum: unknown, context: HandedContext) => unknown

/** What the runner hands over beside the datum, whoever handles it. */
export interface HandedContext extends Context<unknown, number, unknown> {
  /** Whether its signal has aborted, without one being made for it. */
  readonly aborted: boolean
}

export interface RemoteAgentOptions<
  From extends OneOrMany<Topic>,
  To extends OneOrMany<Target> | undefined,
  Window extends number | undefined,
  S,
> extends AgentOptions<From, To, Window, S> {
  /** What works on its data: `command('python3 mood.py')` of `millrace/remote`. */
  readonly run: Remote
  /** How long it may answer none of the data that it has in hand. Default `'30s'`. */
  readonly timeout?: Duration
}

/**
 * Declares an agent: one task on one type of data. The handler returns its outputs (a value, an array, a generator, nothing); it
 * keeps nothing of its own, so that it can be stopped, replaced and run again at any moment.
 */
export function agent<
  const From extends OneOrMany<Topic>,
  const To extends OneOrMany<Target> | undefined = undefined,
  Window extends number | undefined = undefined,
  S = undefined,
  const R extends Accepts<To> = Accepts<To>,
  const Y extends Output<To> = Output<To>,
>(
  name: string,
  options: AgentOptions<From, To, Window, S>,
  handler: (datum: DatumOf<From>, context: Context<DatumOf<From>, Window, S>) => R | Promise<R> | Iterable<Y> | AsyncIterable<Y>,
): Agent {
  const say = `agent('${name}')`
  if (typeof handler !== 'function') throw new TypeError(`${say} needs a handler as its third argument.`)
  // The types that the runner cannot know were checked above.
  return { ...declared(say, name, options, 1), handler: handler as unknown as Handler, remote: undefined }
}

/**
 * Declares an agent whose work is done outside of this process, in any language. It is the same agent in all else: its window and state
 * are kept for it, what fails is tried again, and its outputs have ids that are the same at every run.
 */
export function remoteAgent<
  const From extends OneOrMany<Topic>,
  const To extends OneOrMany<Target> | undefined = undefined,
  Window extends number | undefined = undefined,
  S = undefined,
>(name: string, options: RemoteAgentOptions<From, To, Window, S>): Agent {
  const say = `remoteAgent('${name}')`
  const { run, ...rest } = options
  if (run?.kind !== 'remote') {
    throw new TypeError(`${say} needs what works on its data: run: command('python3 ${name}.py'), of 'millrace/remote'.`)
  }
  return { ...declared(say, name, rest, run.concurrency), handler: undefined, remote: run }
}

function declared<From extends OneOrMany<Topic>, To extends OneOrMany<Target> | undefined, Window extends number | undefined, S>(
  say: string,
  name: string,
  options: AgentOptions<From, To, Window, S>,
  concurrency: number,
): Omit<Agent, 'handler' | 'remote'> {
  checkName('agent', name)
  checkVersion(say, options.version)
  if ((options.window !== undefined || options.state !== undefined) && options.by === undefined) {
    throw new TypeError(
      `${say} has a ${options.window === undefined ? 'state' : 'window'} but no 'by': say whose it is, such as by: d => d.station.`,
    )
  }
  if (options.window !== undefined) checkCount(`${say} window`, options.window, 100_000)
  if (options.replaces !== undefined) {
    checkVersion(`${say} replaces`, options.replaces)
    if (options.replaces === options.version)
      throw new TypeError(`${say} version ${options.version} replaces itself: name the version before it.`)
    if (options.shadow === true)
      throw new TypeError(
        `${say} is a shadow and replaces version ${options.replaces}: a shadow has a place of its own. Drop one of the two.`,
      )
  }
  if (options.ramp !== undefined) {
    checkShare(`${say} ramp`, options.ramp)
    if (options.replaces === undefined)
      throw new TypeError(`${say} has a ramp and replaces no version: say whose keys it gets a share of, such as replaces: 1.`)
  }
  const to = list<Target>(options.to)
  return {
    kind: 'agent',
    name,
    version: options.version,
    from: list<Topic>(options.from),
    to,
    addresses: to,
    addressed: Array.isArray(options.to),
    // The runner handles data of every type through one shape; `agent` above is where the types were checked.
    by: options.by as Agent['by'],
    window: options.window,
    state: options.state as Agent['state'],
    concurrency: checkCount(`${say} concurrency`, options.concurrency ?? concurrency, 10_000),
    timeoutMs: durationMs(options.timeout ?? '30s', `${say} timeout`),
    retry: {
      attempts: checkCount(`${say} retry attempts`, options.retry?.attempts ?? 5, 1_000),
      backoffMs: durationMs(options.retry?.backoff ?? '100ms', `${say} retry backoff`),
      maxBackoffMs: durationMs(options.retry?.maxBackoff ?? '10s', `${say} retry maxBackoff`),
    },
    ordered: options.ordered ?? options.by !== undefined,
    journal: options.journal ?? false,
    replaces: options.replaces,
    ramp: options.ramp,
    shadow: options.shadow ?? false,
    start: options.start ?? 'earliest',
  }
}

export function list<T>(value: OneOrMany<T> | undefined): readonly T[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value as T]
}

/** @throws TypeError unless `version` is a whole number from 1. */
export function checkVersion(say: string, version: number): void {
  if (!Number.isSafeInteger(version) || version < 1)
    throw new TypeError(`${say} has version ${JSON.stringify(version)}: a version is a whole number from 1, such as version: 1.`)
}

export function checkCount(say: string, count: number, most: number): number {
  if (!Number.isSafeInteger(count) || count < 1 || count > most)
    throw new TypeError(`${say} is ${JSON.stringify(count)}: it must be a whole number from 1 to ${most}.`)
  return count
}

/** @throws TypeError unless `share` is from 0 to 1. */
export function checkShare(say: string, share: number): void {
  if (typeof share !== 'number' || !(share >= 0 && share <= 1))
    throw new TypeError(`${say} is ${JSON.stringify(share)}: it must be a share from 0 to 1, such as 0.1.`)
}
