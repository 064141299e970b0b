import { systemClock } from '../../src/clock.ts'
import { DistributedEngine } from '../../src/engine/distributed/index.ts'
import { openAtRest } from '../../src/engine/embedded/index.ts'
import { MillraceError } from '../../src/errors.ts'
import { type MoveReport, move } from '../../src/runtime/move/move.ts'
import type { Moving } from '../../src/runtime/move/moving.ts'
import { MemoryBroker } from '../../src/stream/adapters/memory/index.ts'
import type { GroupedStream, Lease, Subscription } from '../../src/stream/stream.ts'
import { openMemoryTrace } from '../../src/trace/adapters/memory/index.ts'
import type { SharedTrace } from '../../src/trace/trace.ts'

/** A stream and a trace in memory, to be moved to. */
export class Target {
  readonly broker = new MemoryBroker()
  readonly trace = openMemoryTrace()

  engine(): DistributedEngine {
    // Closing an engine closes its trace: this one is to be looked at afterwards.
    const trace = new Proxy(this.trace, { get: (of, name) => (name === 'close' ? async () => undefined : bound(of, name)) })
    return new DistributedEngine({ stream: this.broker.connect(), trace, clock: systemClock })
  }

  /** Moves a data directory here. @param cut the step that fails, and whether before or after it has taken effect. */
  async take(directory: string, options: Partial<Moving> & { readonly cut?: Cut } = {}): Promise<MoveReport> {
    const source = await openAtRest(directory)
    const connected = this.broker.connect()
    const { cut, ...rest } = options
    try {
      return await move({
        source,
        stream: cut === undefined ? connected : failing(connected, cut),
        trace: cut === undefined ? this.trace : failing(this.trace, cut),
        clock: systemClock,
        history: false,
        signal: new AbortController().signal,
        moved: () => undefined,
        warn: () => undefined,
        ...rest,
      })
    } finally {
      await connected.close()
      await source.close()
    }
  }
}

/** Steps that change the target are counted over stream, trace and leases. */
export class Cut {
  readonly at: number
  readonly takesEffect: boolean
  #steps = 0

  constructor(at: number, takesEffect: boolean) {
    this.at = at
    this.takesEffect = takesEffect
  }

  async step<T>(effect: () => Promise<T>): Promise<T> {
    if (++this.#steps < this.at) return effect()
    // Once down, it stays down.
    if (this.takesEffect && this.#steps === this.at) await effect()
    throw new MillraceError('STREAM_UNAVAILABLE', `The move was cut off at step ${this.at}.`)
  }
}

const STEPS = new Set(['append', 'ensure', 'commit', 'note', 'mark', 'write', 'begin'])

function failing<T extends GroupedStream | SharedTrace | Lease | SharedTrace['cache']>(of: T, cut: Cut): T {
  return new Proxy(of, {
    get(target, name) {
      const value: unknown = bound(target, name)
      if (name === 'cache' && typeof value === 'object') return failing(value as SharedTrace['cache'], cut)
      if (name === 'subscribe')
        return (...args: Parameters<GroupedStream['subscribe']>) => failingLeases((target as GroupedStream).subscribe(...args), cut)
      if (typeof value !== 'function' || !STEPS.has(String(name))) return value
      return (...args: unknown[]) => cut.step(() => value(...args))
    },
  })
}

function failingLeases(subscription: Subscription, cut: Cut): Subscription {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const lease of subscription) yield failing(lease, cut)
    },
    close: () => subscription.close(),
  }
}

function bound(of: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(of, name, of)
  return typeof value === 'function' ? value.bind(of) : value
}
