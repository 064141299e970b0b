import { type Duration, durationMs } from '../duration.ts'
import type { Envelope } from '../envelope/envelope.ts'
import type { Start } from '../stream/stream.ts'
import { checkName, type Topic } from '../stream/topic.ts'
import type { BatchPolicy } from './batches.ts'
import type { BreakerPolicy } from './breaker.ts'
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

/** Lets the handler take many data at once, as models like them. */
export interface BatchOptions {
  /** At most so many data, 2 to 1,000. */
  readonly size: number
  /** How long the first of them waits for others, in milliseconds; 0 to 60,000. Default 50. */
  readonly waitMs?: number
  /**
   * `'each'` (the default): the handler returns a list, for each datum its outputs. `'batch'`: it returns the outputs of all of them, whose parents
   * are all of the batch's data.
   */
  readonly outputs?: 'each' | 'batch'
}

/** What a handler of batches is given beside the data. */
export interface BatchContext<Datum, Window extends number | undefined, S> {
  /** For each datum, in the data's order. */
  readonly each: readonly Context<Datum, Window, S>[]
  /** Aborts when the timeout passes or the agent stops. */
  readonly signal: AbortSignal
  /** 1 the first time. */
  readonly attempt: number
}

type Handed<Datum, B> = B extends BatchOptions ? readonly Datum[] : Datum
type ContextOf<Datum, Window extends number | undefined, S, B> = B extends BatchOptions
  ? BatchContext<Datum, Window, S>
  : Context<Datum, Window, S>
/** Whether a handler's outputs are those of each datum of a batch. */
type ForEach<B> = B extends { readonly outputs: 'batch' } ? false : B extends BatchOptions ? true : false
type Returns<To, B> = ForEach<B> extends true ? readonly Accepts<To>[] : Accepts<To>
/** What may come one by one: nothing, where there is a list to be returned. */
type Streamed<To, B> = ForEach<B> extends true ? never : Output<To>

/** When the agent is paused because it is the agent that fails and not its data: then one datum is tried now and then, until one is done. */
export interface BreakerOptions {
  /** Of the last `of` data that it finished here, the share that went to the dead letters; above 0, at most 1. Default 0.9. */
  readonly share?: number
  /** Default 100. */
  readonly of?: number
  /** The first pause; it doubles each time that a datum fails, up to 10 minutes. Default `'30s'`. */
  readonly pause?: Duration
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
  B extends BatchOptions | undefined = undefined,
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
  /**
   * How many data are in hand at once (only a handler that waits gains by it), or batches where there is `batch`. Data of one key never overlap where
   * there is `by`. Default 1.
   */
  readonly concurrency?: number
  /** The handler takes a list of data instead of one. A batch that fails is halved until the datum at fault is by itself. */
  readonly batch?: B
  /** When the agent is paused instead of moving its whole stream into the dead letters; false: never. */
  readonly breaker?: BreakerOptions | false
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
  readonly batch: BatchPolicy | undefined
  /** Undefined: it is never paused. */
  readonly breaker: BreakerPolicy | undefined
  readonly replaces: number | undefined
  readonly start: Start
  /** Of these three an agent has one. */
  readonly handler: Handler | undefined
  /** Takes a list of data. */
  readonly batchHandler: BatchHandler | undefined
  /** What works on its data in place of a handler. */
  readonly remote: Remote | undefined
}

export type Handler = (datum: unknown, context: HandedContext) => unknown
export type BatchHandler = (data: readonly unknown[], context: BatchContext<unknown, number, unknown>) => unknown

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
> extends Omit<AgentOptions<From, To, Window, S>, 'batch'> {
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
  const B extends BatchOptions | undefined = undefined,
  const R extends Returns<To, B> = Returns<To, B>,
  const Y extends Streamed<To, B> = Streamed<To, B>,
>(
  name: string,
  options: AgentOptions<From, To, Window, S, B>,
  handler: (
    datum: Handed<DatumOf<From>, B>,
    context: ContextOf<DatumOf<From>, Window, S, B>,
  ) => R | Promise<R> | Iterable<Y> | AsyncIterable<Y>,
): Agent {
  const say = `agent('${name}')`
  if (typeof handler !== 'function') throw new TypeError(`${say} needs a handler as its third argument.`)
  const common = { ...declared(say, name, options, 1), remote: undefined }
  // The types that the runner cannot know were checked above.
  if (options.batch === undefined) return { ...common, handler: handler as unknown as Handler, batchHandler: undefined }
  return { ...common, handler: undefined, batchHandler: handler as unknown as BatchHandler }
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
  return { ...declared(say, name, rest, run.concurrency), handler: undefined, batchHandler: undefined, remote: run }
}

function declared<
  From extends OneOrMany<Topic>,
  To extends OneOrMany<Target> | undefined,
  Window extends number | undefined,
  S,
  B extends BatchOptions | undefined,
>(
  say: string,
  name: string,
  options: AgentOptions<From, To, Window, S, B>,
  concurrency: number,
): Omit<Agent, 'handler' | 'batchHandler' | 'remote'> {
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
  }
  const to = list<Target>(options.to)
  return {
    kind: 'agent',
    name,
    version: options.version,
    from: list<Topic>(options.from),
    to,
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
    // What a batch as a whole gives must not be given again by a batch of other data: the first run is made to count.
    journal: options.journal ?? options.batch?.outputs === 'batch',
    batch: options.batch === undefined ? undefined : batchPolicy(say, options.batch),
    breaker: breakerPolicy(say, options.breaker),
    replaces: options.replaces,
    start: options.start ?? 'earliest',
  }
}

function batchPolicy(say: string, { size, waitMs = 50, outputs = 'each' }: BatchOptions): BatchPolicy {
  if (size === 1) throw new TypeError(`${say} batch size is 1: leave 'batch' out, and the handler takes one datum.`)
  if (outputs !== 'each' && outputs !== 'batch')
    throw new TypeError(`${say} batch outputs is ${JSON.stringify(outputs)}: it must be 'each' or 'batch'.`)
  if (!Number.isFinite(waitMs) || waitMs < 0 || waitMs > 60_000)
    throw new TypeError(`${say} batch waitMs is ${JSON.stringify(waitMs)}: it must be milliseconds from 0 to 60000.`)
  return { size: checkCount(`${say} batch size`, size, 1_000), waitMs, outputs }
}

function breakerPolicy(say: string, options: BreakerOptions | false | undefined): BreakerPolicy | undefined {
  if (options === false) return undefined
  const { share = 0.9, of = 100, pause = '30s' } = options ?? {}
  if (!(share > 0 && share <= 1)) throw new TypeError(`${say} breaker share is ${JSON.stringify(share)}: it must be above 0 and at most 1.`)
  return { share, of: checkCount(`${say} breaker of`, of, 10_000), pauseMs: durationMs(pause, `${say} breaker pause`) }
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
