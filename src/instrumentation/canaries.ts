import type { EngineView } from '../engine/engine.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { CANARY_TOPIC, type Canary, canaryRoutes, type Route, routeText } from '../objectives/canary.ts'
import type { Pipeline } from '../pipeline.ts'

/** A canary that has not arrived so many canaries later is overdue. */
const OVERDUE_AFTER = 3
/** How far back a process looks when it starts, and reads at one look. Each is a small read: where a batch of them came, its oldest says when. */
const MOST_READ = 300

/** How canaries fare on one path, whoever sent them and whichever processes let them pass. */
export interface CanaryReading {
  /** `demand → forecast@2 → demand-prediction` */
  readonly path: string
  /** When the last that arrived did, milliseconds since 1970 UTC, and how long its way took; undefined before the first. */
  readonly lastMs: number | undefined
  readonly tookMs: number | undefined
  /** None has arrived that was sent in the last three times as long as lies between two. */
  readonly overdue: boolean
}

/** Those that have arrived, read in the stream: every process sees all of them. */
export class CanaryLog {
  readonly #view: Pick<EngineView, 'read' | 'bounds'>
  #everyMs: number | undefined
  #routes: readonly Route[] = []
  /** By path, the last. */
  readonly #arrived = new Map<string, { readonly sentMs: number; readonly atMs: number }>()
  /** Since when a path is watched. */
  readonly #sinceMs = new Map<string, number>()
  #next: number | undefined

  constructor(view: Pick<EngineView, 'read' | 'bounds'>) {
    this.#view = view
  }

  /** Again after a reload. */
  use(pipeline: Pick<Pipeline, 'canaryMs' | 'entries' | 'agents'>, nowMs: number): void {
    this.#everyMs = pipeline.canaryMs
    this.#routes = canaryRoutes(pipeline)
    const paths = new Set(this.#routes.map(keyOf))
    for (const path of paths) if (!this.#sinceMs.has(path)) this.#sinceMs.set(path, nowMs)
    for (const path of this.#sinceMs.keys()) {
      if (paths.has(path)) continue
      this.#sinceMs.delete(path)
      this.#arrived.delete(path)
    }
  }

  /** Reads on. @throws what the engine throws. */
  async note(): Promise<void> {
    if (this.#everyMs === undefined) return
    const [bounds] = await this.#view.bounds(CANARY_TOPIC.name)
    if (bounds === undefined) return
    // One that has fallen far behind has newer ones to look at.
    let at = Math.max(this.#next ?? 0, bounds.first, bounds.next - MOST_READ)
    while (at < bounds.next) {
      const batch = await this.#view.read(CANARY_TOPIC.name, 0, at, 1)
      if (batch.count === 0) break
      const cursor = new FrameCursor(batch.frames, batch.ascii)
      while (cursor.next()) if (!cursor.isVoid && batch.first + cursor.index >= at) this.#arrive(canaryOf(cursor), batch.appendedMs)
      at = batch.first + batch.count
    }
    this.#next = at
  }

  read(nowMs: number): readonly CanaryReading[] {
    return this.#routes.map(route => {
      const key = keyOf(route)
      const last = this.#arrived.get(key)
      // One that was sent before this process looked is no fault of the path until its own have had their time.
      const sinceMs = Math.max(last?.sentMs ?? 0, this.#sinceMs.get(key) ?? nowMs)
      return {
        path: routeText(route),
        lastMs: last?.atMs,
        tookMs: last === undefined ? undefined : Math.max(0, last.atMs - last.sentMs),
        overdue: nowMs - sinceMs > OVERDUE_AFTER * (this.#everyMs ?? Number.POSITIVE_INFINITY),
      }
    })
  }

  #arrive(canary: Canary | undefined, atMs: number): void {
    if (canary === undefined) return
    const key = keyOf(canary.path)
    const last = this.#arrived.get(key)
    // A step that is cut off is taken again: the first time counts.
    if (this.#sinceMs.has(key) && (last === undefined || canary.sentMs > last.sentMs))
      this.#arrived.set(key, { sentMs: canary.sentMs, atMs })
  }
}

function keyOf(route: Route): string {
  return route.join(' ')
}

/** Undefined for what somebody else has put there. */
function canaryOf(cursor: FrameCursor): Canary | undefined {
  try {
    const checked = CANARY_TOPIC.schema['~standard'].validate(JSON.parse(cursor.dataText))
    return checked instanceof Promise || checked.issues !== undefined ? undefined : checked.value
  } catch {
    return undefined
  }
}
