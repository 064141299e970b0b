import { useEffect, useState } from 'preact/hooks'
import type { Graph } from './graph.ts'
import type { Layout } from './layout.ts'

/** A graph and where its parts may be. The two belong together: while a new graph is placed, the last is shown. */
export interface Drawn {
  readonly graph: Graph
  readonly layouts: readonly Layout[]
}

/** Places a graph, once for each shape. @returns undefined before the first is placed; an error where the browser cannot run the worker. */
export function useLayout(graph: Graph): Drawn | Error | undefined {
  const [drawn, setDrawn] = useState<Drawn | Error>()
  useEffect(() => {
    const worker = new Worker(new URL('./layout-worker.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', ({ data }: MessageEvent<readonly Layout[]>) => {
      setDrawn({ graph, layouts: data })
      worker.terminate()
    })
    worker.addEventListener('error', event =>
      setDrawn(new Error(`The graph could not be placed${event.message ? `: ${event.message}` : '.'}`)),
    )
    worker.postMessage(graph)
    return () => worker.terminate()
  }, [graph])
  return drawn
}
