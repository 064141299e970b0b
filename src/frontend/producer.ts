import { MillraceError } from '../errors.ts'
import type { Route } from './routes.ts'

/** Who sends: what its key says, or a program on this machine where there are no keys. */
export class Producer {
  readonly source: string
  readonly sourceBytes: Uint8Array
  readonly #topics: ReadonlySet<string> | '*' | 'all'

  /** @param topics `'*'`: every topic that no agent writes; `'all'`: those too. */
  constructor(source: string, topics: readonly string[] | '*' | 'all') {
    this.source = source
    this.sourceBytes = Buffer.from(source, 'utf8')
    this.#topics = typeof topics === 'string' ? topics : new Set(topics)
  }

  /** A source that the producer names itself is believed only where nobody holds a key. */
  get isLocal(): boolean {
    return this.#topics === 'all'
  }

  mayWrite(route: Route): boolean {
    if (this.#topics === '*') return route.isEntry
    return this.#topics === 'all' || this.#topics.has(route.name)
  }

  /** @throws TOPIC_FORBIDDEN */
  check(route: Route): void {
    if (this.mayWrite(route)) return
    throw new MillraceError('TOPIC_FORBIDDEN', `The key of '${this.source}' may not write to '${route.name}'.`, {
      fix: `Use a key that names the topic: millrace keys add ${this.source} --topic ${route.name}`,
    })
  }
}
