import type { MessagePort, TransferListItem } from 'node:worker_threads'
import { type Clock, systemClock } from '../clock.ts'
import { connectEmbedded, openEmbedded } from '../engine/embedded/index.ts'
import type { Engine } from '../engine/engine.ts'
import type { MillraceError } from '../errors.ts'
import { type Config, engineOptions } from './config.ts'
import type { Connections } from './connections.ts'
import { type DistributedContext, openDistributed } from './distributed.ts'
import { checkNoMove } from './move/move-log.ts'
import { refusingMoves } from './move/refusing.ts'

/** The engine of a process, and how its threads come to it. */
export interface ProcessEngine {
  readonly engine: Engine
  /** What one thread is to be given for {@link openInThread}. @param over what it holds when it dies is given to others only then, in this process. */
  forThread(over: Promise<void>): ThreadEngine
  /** Resolves with what ended it, should it ever end by itself: the process is to stop then. */
  readonly failed: Promise<Error>
}

/** How a thread comes to the engine. */
export type ThreadEngine =
  /** The port goes to the writer, and is transferred. */
  | { readonly kind: 'embedded'; readonly directory: string; readonly port: MessagePort }
  /** Each thread has connections of its own. */
  | { readonly kind: 'distributed'; readonly connections: Connections; readonly pipeline: string }

/** Told when agents wait for something that is away, and with undefined when it is back. */
export type Held = (error: MillraceError | undefined) => void

/**
 * Opens the engine that the configuration asks for.
 * @throws what the embedded engine throws of its directory; STREAM_UNAVAILABLE, STREAM_DENIED, TRACE_UNAVAILABLE, TRACE_DENIED;
 *   MOVE_UNFINISHED where a pipeline is half moved to the stream.
 */
export async function openEngine(config: Config, pipeline: string, held: Held, warn: (text: string) => void): Promise<ProcessEngine> {
  const { connections } = config
  if (connections === undefined) {
    const engine = await openEmbedded(engineOptions(config))
    return {
      engine,
      forThread: over => ({ kind: 'embedded', directory: config.data, port: engine.connect(over) }),
      failed: engine.failed,
    }
  }
  return {
    engine: await openUnmoved(connections, { pipeline, clock: systemClock, held, warn }),
    forThread: () => ({ kind: 'distributed', connections, pipeline }),
    // It is put together from servers that go away and come back; nothing of it ends for good.
    failed: new Promise(() => undefined),
  }
}

/** What of it must be transferred. */
export function transfersOf(given: ThreadEngine): TransferListItem[] {
  return given.kind === 'embedded' ? [given.port] : []
}

/** The engine as one thread has it. @throws MOVE_UNFINISHED, so does each of its leases: the thread is started again until the move is over. */
export async function openInThread(given: ThreadEngine, clock: Clock, held: Held): Promise<Engine> {
  if (given.kind === 'embedded') return connectEmbedded(given)
  return openUnmoved(given.connections, { pipeline: given.pipeline, clock, held, warn: () => undefined })
}

async function openUnmoved(connections: Connections, context: DistributedContext): Promise<Engine> {
  const engine = await openDistributed(connections, context)
  try {
    // Before anything of it is joined: members that come and go would keep the move from finding the groups empty.
    await checkNoMove(engine)
    return refusingMoves(engine)
  } catch (error) {
    await engine.close()
    throw error
  }
}
