import { MillraceError } from '../errors.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Topic } from '../stream/topic.ts'

/** A topic as the front end sees it. */
export interface Route {
  readonly topic: Topic
  readonly name: string
  readonly partitions: number
  /** By partition, what its receipts say between the id and the status: put together once, not for each datum. */
  readonly receipts: readonly string[]
  /** No agent writes it: a key for `'*'` may. */
  readonly isEntry: boolean
}

/** What a URL asks for: one datum or a batch (of `/v1/data`, as the content type says). */
export interface Target {
  readonly what: 'one' | 'batch' | 'either'
  /** Undefined: each datum names its own. */
  readonly route: Route | undefined
  /** The route is for data that name none; otherwise one that names another is rejected. */
  readonly isDefault: boolean
}

const TOPICS = '/v1/topics/'
const BATCH = '/batch'
const SHOWN = 64

/** Every topic by its name and its paths. Built once for a pipeline, so that a request's path costs one look-up. */
export class RouteTable {
  readonly #routes = new Map<string, Route>()
  readonly #targets = new Map<string, Target>([['/v1/data', { what: 'either', route: undefined, isDefault: true }]])

  constructor(pipeline: Pipeline) {
    const entries = new Set(pipeline.entries)
    for (const topic of pipeline.topics.values()) {
      // Millrace's own: what agents gather for others is nobody's to send.
      if (topic.name.startsWith('_')) continue
      const { partitions } = topic.spec
      const json = JSON.stringify(topic.name)
      const route: Route = {
        topic,
        name: topic.name,
        partitions,
        receipts: Array.from({ length: partitions }, (_, partition) => `","topic":${json},"partition":${partition},"status":"`),
        isEntry: entries.has(topic),
      }
      this.#routes.set(topic.name, route)
      this.#targets.set(`${TOPICS}${topic.name}`, { what: 'one', route, isDefault: false })
      this.#targets.set(`${TOPICS}${topic.name}${BATCH}`, { what: 'batch', route, isDefault: false })
    }
  }

  /** Whether a path belongs to the data routes at all, existing topic or not. */
  static takes(url: string): boolean {
    return url.startsWith(TOPICS) || url === '/v1/data' || url.startsWith('/v1/data?')
  }

  /** @param path without its query. Undefined where there is no such topic: a path that hides one, as by `..`, names none. */
  target(path: string): Target | undefined {
    return this.#targets.get(path) ?? this.#targets.get(decoded(path))
  }

  /** @throws TOPIC_UNKNOWN */
  route(name: string): Route {
    const route = this.#routes.get(name)
    if (route === undefined) throw unknownTopic(name)
    return route
  }
}

export function unknownTopic(name: string): MillraceError {
  const shown = name.length > SHOWN ? `${name.slice(0, SHOWN)}…` : name
  return new MillraceError('TOPIC_UNKNOWN', `There is no topic ${JSON.stringify(shown)}.`, {
    fix: 'Check its spelling; `millrace topics` lists them.',
  })
}

/** The topic that a path of the data routes means to name. */
export function topicOfPath(path: string): string {
  const rest = decoded(path).slice(TOPICS.length)
  return rest.endsWith(BATCH) ? rest.slice(0, -BATCH.length) : rest
}

/** Percent-decoded once and not normalised: `%2e%2e%2f` becomes `../`, which is nobody's name. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    // A stray % is left as it is, and matches no topic.
    return path
  }
}
