import { join } from 'node:path'
import { systemClock } from '../clock.ts'
import { openEmbedded } from '../engine/embedded/index.ts'
import type { Engine } from '../engine/engine.ts'
import { type FrontEnd, startFrontEnd } from '../frontend/front-end.ts'
import type { Spill } from '../frontend/spill/spill.ts'
import type { Tracer } from '../instrumentation/exporters/tracer.ts'
import type { Instruments } from '../instrumentation/instruments.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Stream, TopicSpec } from '../stream/stream.ts'
import type { Closers } from './closers.ts'
import type { Config } from './config.ts'
import type { Log } from './log.ts'

/** The front end, and what stands before it. */
export interface FrontDoor {
  readonly frontEnd: FrontEnd
  /** Topics that will be sent to: to be told before the front end takes data for them. */
  ensure(topics: readonly TopicSpec[]): Promise<void>
}

/** How long answers that are in hand may take when the process stops. */
const ANSWER_MS = 2_000
/** How long a stop may wait for what is in the spill to go to the stream; what is left stays on disk. */
const DRAIN_MS = 2_000

/**
 * Opens the front end. On a stream that other processes share it has a spill: what producers send while the stream is away is kept on this
 * process's own disk, and drained in order when it is back.
 */
export async function openFrontDoor(
  config: Config,
  on: { engine: Engine; pipeline: Pipeline; instruments: Instruments; tracer: Tracer | undefined; log: Log; closers: Closers },
): Promise<FrontDoor> {
  const { engine, pipeline, instruments, tracer, log, closers } = on
  const spill = config.connections === undefined ? undefined : await openSpillOf(config, on)
  if (spill !== undefined) closers.add('spill', async () => void (await spill.close(DRAIN_MS)))
  const frontEnd = await startFrontEnd({
    pipeline,
    stream: spill ?? watched(engine, tracer),
    clock: systemClock,
    recorder: instruments,
    keysFile: config.keysFile,
    listen: config.listen,
    limits: config.limits,
    report: (what, error) => log.error(`${what}: ${error instanceof Error ? error.message : String(error)}`, undefined, error),
    ...(spill === undefined ? {} : { spill }),
  })
  closers.add('front end', () => frontEnd.close(ANSWER_MS))
  return { frontEnd, ensure: async topics => spill?.ensure(topics) }
}

function watched(engine: Engine, tracer: Tracer | undefined): Pick<Stream, 'append'> {
  return tracer === undefined ? engine : tracer.watching(engine)
}

async function openSpillOf(
  config: Config,
  { engine, pipeline, instruments, tracer, log }: Parameters<typeof openFrontDoor>[1],
): Promise<Spill> {
  const { maxDatumBytes } = engine.capabilities
  // Loaded for those alone who have a use for it.
  const { openSpill } = await import('../frontend/spill/open.ts')
  return openSpill({
    stream: watched(engine, tracer),
    directory: join(config.data, 'spill'),
    maxBytes: config.spillBytes,
    topics: [...pipeline.topics.values()].map(topic => topic.spec),
    clock: systemClock,
    openLog: openEmbedded,
    recorder: instruments,
    log,
    ...(maxDatumBytes === undefined ? {} : { maxDatumBytes }),
  })
}
