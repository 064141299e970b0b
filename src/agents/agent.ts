import { checkCount } from '../count.ts'
import { type Duration, durationMs } from '../duration.ts'
import type { Envelope } from '../envelope/envelope.ts'
import { checkOptions } from '../options.ts'
import type { Start } from '../stream/stream.ts'
import { checkName, type Topic } from '../stream/topic.ts'
import type { Cache } from './cache.ts'
import {
  type BatchOptions,
  type BatchPolicy,
  type BreakerOptions,
  type BreakerPolicy,
  batchPolicy,
  breakerPolicy,
  checkReplicas,
  type Replicas,
  type RetryPolicy,
  retryPolicy,
} from './policies.ts'
import type { Remote } from './remote.ts'
import { gatheredBy, isJoin } from './windows/gathered-by.ts'
import type { Join, Pair } from './windows/join.ts'
import type { TimeWindow } from './windows/time-window.ts'
import type { WindowOfData, WindowOfState } from './windows/windowed.ts'

/** Where an agent's outputs may go. */
export type Target = Topic | Cache
type OneOrMany<T> = T | readonly T[]
/** What an agent reads: a topic, several, or two joined. */
export type Input = OneOrMany<Topic> | Join

type OutOf<T> = T extends Topic<infer _In, infer Out> ? Out : never

/** What these topics hold: the schemas' output types; of a join the pairs. */
export type DatumOf<From extends Input> =
  From extends Join<infer Left, infer Right> ? Pair<Left, Right> : From extends readonly (infer T)[] ? OutOf<T> : OutOf<From>
/** What a handler gets: a datum, or a time window with its data, or with the state that was folded from them. */
type Handled<Datum, Window, S> = Window extends TimeWindow ? ([S] extends [undefined] ? WindowOfData<Datum> : WindowOfState<S>) : Datum
/** What may be a window: the last n data of the key, or a window of time that can take the data. */
type WindowFor<Datum> = number | TimeWindow<Datum> | undefined
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

/** What a fold is told of a datum beside its value. Overwritten by the next. */
export interface FoldedAt {
  readonly id: Uint8Array
  readonly idAt: number
  readonly createdMs: number
}

/** The fold as it is run. A user's has the first two; the others are for states that are kept for a whole partition. */
export interface FoldState {
  readonly init: () => unknown
  readonly update: (state: unknown, datum: unknown, at: FoldedAt) => unknown
  /** What the handler sees with a datum that is put again: it is not folded. */
  readonly again?: (state: unknown) => unknown
  /** How many data it holds. */
  readonly size?: (state: unknown) => number
  /** What a snapshot keeps of it, structured-cloneable. */
  readonly save?: (state: unknown) => unknown
  readonly load?: (saved: unknown) => unknown
  /**
   * Everything below the agent's place is folded in by the options that the snapshot was taken with; what comes is folded by those declared now.
   * @returns whether they differ. Where they do, and where there was no snapshot, the next commit carries one.
   */
  readonly begin?: (state: unknown) => boolean
}

/** What a handler is given beside the datum. */
export interface Context<Datum, Window, S> {
  /** The last `window` data of the datum's key, oldest first, the datum itself last. Fewer at first. */
  readonly window: Window extends number ? readonly Datum[] : never
  /** The key's state with this datum folded in. A time window's is in the window. */
  readonly state: Window extends TimeWindow ? undefined : S
  /** The datum's id, source, time, topic and bytes. */
  readonly envelope: Envelope
  /** Aborts when the timeout passes or the agent stops: hand it to whatever waits. */
  readonly signal: AbortSignal
  /** 1 the first time; more after failures. */
  readonly attempt: number
}

/** What a handler of batches is given beside the data. */
export interface BatchContext<Datum, Window, S> {
  /** For each datum, in the data's order. */
  readonly each: readonly Context<Datum, Window, S>[]
  /** Aborts when the timeout passes or the agent stops. */
  readonly signal: AbortSignal
  /** 1 the first time. */
  readonly attempt: number
}

type Handed<Datum, B> = B extends BatchOptions ? readonly Datum[] : Datum
type ContextOf<Datum, Window, S, B> = B extends BatchOptions ? BatchContext<Datum, Window, S> : Context<Datum, Window, S>
/** Whether a handler's outputs are those of each datum of a batch. */
type ForEach<B> = B extends { readonly outputs: 'batch' } ? false : B extends BatchOptions ? true : false
type Returns<To, B> = ForEach<B> extends true ? readonly Accepts<To>[] : Accepts<To>
/** What may come one by one: nothing, where there is a list to be returned. */
type Streamed<To, B> = ForEach<B> extends true ? never : Output<To>

export interface AgentOptions<
  From extends Input,
  To extends OneOrMany<Target> | undefined,
  Window extends WindowFor<DatumOf<From>>,
  S,
  B extends BatchOptions | undefined = undefined,
> {
  /** A whole number from 1. Versions run side by side, each with its own place in the stream. */
  readonly version: number
  /** The topic or topics that it reads, or two that are joined. */
  readonly from: From
  /** Where its outputs go: a topic, a cache, or several, each output then addressed by {@link out}. Without it the handler returns nothing. */
  readonly to?: To
  /** The key of `window` and `state`, and what stays in order. It must be constant within a partition's key: give the topic the same key. */
  readonly by?: (datum: DatumOf<From>) => string
  /**
   * How many of a key's last data the handler sees, 1 to 100,000; or windows of time, such as `tumbling('1h')`, of which the handler gets each
   * when it has closed, in place of its data. Needs `by`.
   */
  readonly window?: Window
  /** A value kept for each key, folded from its data; for each window where those are of time, in place of its data. Needs `by`. */
  readonly state?: State<DatumOf<From>, S>
  /**
   * How many data are in hand at once (only a handler that waits gains by it), or batches where there is `batch`. Data of one key never overlap where
   * there is `by`. Default 1.
   */
  readonly concurrency?: number
  /** The handler takes a list of data instead of one. A batch that fails is halved until the datum at fault is by itself. */
  readonly batch?: B
  /**
   * Threads that run it in each process, each one more member of its group: so many, or as many as its load asks for, `{ min: 1, max: 4 }`.
   * Never more than its topics have partitions. Default 1.
   */
  readonly replicas?: number | Replicas
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
  /**
   * The share of the keys that it gets, 0 to 1, while the version that it `replaces` is in the pipeline, too, and works on the others
   * (docs/versions.md). `millrace ramp` changes it while they run.
   */
  readonly ramp?: number
  /**
   * Runs beside the live version, at a place of its own, with its outputs kept apart, those in topics for a day, until it is promoted or taken away
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
  readonly state: FoldState | undefined
  /** What its data are gathered into before it sees them: the pipeline puts in the agents that do it. */
  readonly gather: TimeWindow | Join | undefined
  /** Of an agent of Millrace's own, the name of the agent that it gathers for. */
  readonly partOf: string | undefined
  readonly concurrency: number
  readonly replicas: Replicas
  readonly timeoutMs: number
  readonly retry: { readonly attempts: number; readonly backoffMs: number; readonly maxBackoffMs: number }
  readonly ordered: boolean
  readonly journal: boolean
  readonly batch: BatchPolicy | undefined
  /** Undefined: it is never paused. */
  readonly breaker: BreakerPolicy | undefined
  readonly replaces: number | undefined
  readonly ramp: number | undefined
  /** The version that gets a share of its keys: made of two declarations by pipeline(). */
  readonly ramps?: { readonly agent: Agent; readonly share: number }
  /** As declared; what runs then is made of it by `shadow.ts`. */
  readonly shadow: boolean
  readonly start: Start
  /** Of these three an agent has one. */
  readonly handler: Handler | undefined
  /** Takes a list of data. */
  readonly batchHandler: BatchHandler | undefined
  /** What works on its data in place of a handler. */
  readonly remote: Remote | undefined
}

export type Handler = (datum: unknown, context: Context<unknown, number, unknown>) => unknown
export type BatchHandler = (data: readonly unknown[], context: BatchContext<unknown, number, unknown>) => unknown

export interface RemoteAgentOptions<
  From extends Input,
  To extends OneOrMany<Target> | undefined,
  Window extends WindowFor<DatumOf<From>>,
  S,
> extends Omit<AgentOptions<From, To, Window, S>, 'batch'> {
  /** What works on its data: `command('python3 mood.py')` of `millrace/remote`. */
  readonly run: Remote
  /** How long it may answer none of the data that it has in hand. Default `'30s'`. */
  readonly timeout?: Duration
  /** Its programs are what is scaled: `command('python3 mood.py', { replicas: { min: 1, max: 4 } })`. */
  readonly replicas?: never
}

/**
 * Declares an agent: one task on one type of data. The handler returns its outputs (a value, an array, a generator, nothing); it
 * keeps nothing of its own, so that it can be stopped, replaced and run again at any moment.
 */
export function agent<
  const From extends Input,
  const To extends OneOrMany<Target> | undefined = undefined,
  Window extends WindowFor<DatumOf<From>> = undefined,
  S = undefined,
  const B extends BatchOptions | undefined = undefined,
  const R extends Returns<To, B> = Returns<To, B>,
  const Y extends Streamed<To, B> = Streamed<To, B>,
>(
  name: string,
  options: AgentOptions<From, To, Window, S, B>,
  handler: (
    datum: Handed<Handled<DatumOf<From>, Window, S>, B>,
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
  const From extends Input,
  const To extends OneOrMany<Target> | undefined = undefined,
  Window extends WindowFor<DatumOf<From>> = undefined,
  S = undefined,
>(name: string, options: RemoteAgentOptions<From, To, Window, S>): Agent {
  const say = `remoteAgent('${name}')`
  const { run, ...rest } = options
  if (run?.kind !== 'remote') {
    throw new TypeError(`${say} needs what works on its data: run: command('python3 ${name}.py'), of 'millrace/remote'.`)
  }
  if ('batch' in rest) throw new TypeError(`${say} has a batch: its program is given many data at once as it is. Drop 'batch'.`)
  if (rest.replicas !== undefined) {
    throw new TypeError(`${say} has replicas: say how many programs run, such as run: command('python3 ${name}.py', { replicas: 4 }).`)
  }
  return { ...declared(say, name, rest, run.concurrency), handler: undefined, batchHandler: undefined, remote: run }
}

const OPTIONS: readonly (keyof AgentOptions<Input, undefined, undefined, undefined>)[] = [
  ...(['version', 'from', 'to', 'by', 'window', 'state', 'replicas', 'concurrency', 'batch', 'breaker', 'timeout', 'retry'] as const),
  ...(['ordered', 'journal', 'replaces', 'ramp', 'shadow', 'start'] as const),
]

function declared<
  From extends Input,
  To extends OneOrMany<Target> | undefined,
  Window extends WindowFor<DatumOf<From>>,
  S,
  B extends BatchOptions | undefined,
>(
  say: string,
  name: string,
  options: AgentOptions<From, To, Window, S, B>,
  concurrency: number,
): Omit<Agent, 'handler' | 'batchHandler' | 'remote'> {
  checkName('agent', name)
  checkOptions(say, options, OPTIONS)
  checkVersion(say, options.version)
  if ((options.window !== undefined || options.state !== undefined) && options.by === undefined) {
    throw new TypeError(
      `${say} has a ${options.window === undefined ? 'state' : 'window'} but no 'by': say whose it is, such as by: d => d.station.`,
    )
  }
  const { window, gather } = gatheredBy(say, options.from, options.window, options.state !== undefined)
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
    // What is no join is a topic, or a list of them: the pipeline looks at each.
    from: isJoin(options.from) ? [options.from.left, options.from.right] : list<Topic>(options.from as OneOrMany<Topic>),
    to,
    addresses: to,
    addressed: Array.isArray(options.to),
    // The runner handles data of every type through one shape; `agent` above is where the types were checked.
    by: options.by as Agent['by'],
    window,
    state: options.state as Agent['state'],
    gather,
    partOf: undefined,
    concurrency: checkCount(`${say} concurrency`, options.concurrency ?? concurrency, 10_000),
    replicas: checkReplicas(say, options.replicas ?? 1),
    timeoutMs: durationMs(options.timeout ?? '30s', `${say} timeout`),
    retry: retryPolicy(say, options.retry),
    ordered: options.ordered ?? options.by !== undefined,
    // What a batch as a whole gives must not be given again by a batch of other data: the first run is made to count.
    journal: options.journal ?? options.batch?.outputs === 'batch',
    batch: options.batch === undefined ? undefined : batchPolicy(say, options.batch),
    breaker: breakerPolicy(say, options.breaker),
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

/** @throws TypeError unless `share` is from 0 to 1. */
export function checkShare(say: string, share: number): void {
  if (typeof share !== 'number' || !(share >= 0 && share <= 1))
    throw new TypeError(`${say} is ${JSON.stringify(share)}: it must be a share from 0 to 1, such as 0.1.`)
}
