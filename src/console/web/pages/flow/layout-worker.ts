import type { Graph } from './graph.ts'
import { layoutsOf } from './layout.ts'

/** Places graphs off the page's own thread: a large one takes so long that the page would stand still. */
addEventListener('message', ({ data }: MessageEvent<Graph>) => postMessage(layoutsOf(data)))
