import type { Graph } from './graph.ts'
import { loadPipeline } from './load.ts'
import type { Log } from './log.ts'
import { type Watching, watchUserFiles } from './watch.ts'

export interface ReloadOptions {
  readonly file: string
  readonly graph: Pick<Graph, 'declare' | 'running'>
  readonly log: Log
}

/** A reload waits so long for the batches in hand; what takes longer is discarded and done again by the new code. */
const DRAIN_MS = 400

export interface Reloading {
  close(): Promise<void>
}

/**
 * Reloads the pipeline when a file of it changes. The new graph is loaded, checked and its topics made before anything is stopped:
 * while it does not hold together the old one runs on, and the reason is said. Nothing is lost or repeated by the exchange itself,
 * since an agent's outputs and its place in the stream are one commit.
 */
export function reloadOnChange(options: ReloadOptions): Reloading {
  const { file, graph, log } = options
  let generation = 0
  let wanted = false
  let closed = false
  let working: Promise<void> = Promise.resolve()
  let idle = true

  const watching: Watching = watchUserFiles(file, () => {
    wanted = true
    if (idle) working = work()
  })

  /** One reload at a time; changes during one lead to one more. */
  async function work(): Promise<void> {
    idle = false
    while (wanted && !closed) {
      wanted = false
      await reload()
    }
    idle = true
  }

  async function reload(): Promise<void> {
    const began = performance.now()
    generation++
    try {
      await graph.declare(await loadPipeline(file, generation), DRAIN_MS)
      const pipeline = graph.running
      watching.follow(true)
      log.info(
        `Reloaded ${pipeline.name}: ${pipeline.agents.size} ${pipeline.agents.size === 1 ? 'agent' : 'agents'} in ${Math.round(performance.now() - began)} ms.`,
      )
    } catch (error) {
      watching.follow(false)
      const why = error instanceof Error ? error.message : String(error)
      log.error(`${why}${why.endsWith('.') ? '' : '.'} The pipeline from before runs on.`, undefined, error)
    }
  }

  return {
    async close() {
      closed = true
      watching.close()
      await working
    },
  }
}
