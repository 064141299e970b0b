import { CANARY_TOPIC } from '../objectives/canary.ts'
import type { Pipeline } from '../pipeline.ts'
import type { TestRun } from './test-run.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface TestOptions {
  /** The virtual clock's first moment, milliseconds since 1970 UTC. Default 2026-01-01. */
  readonly startMs?: number
  /** How long {@link TestRun.settled} waits, in real time and without anything changing, for handlers that wait. Default 5,000. */
  readonly patienceMs?: number
  /** Uniform in [0, 1): the jitter of waits between attempts. Default always 0.5, so that a test runs the same every time. */
  readonly random?: () => number
}

/**
 * Runs a whole pipeline in memory, on the same engine and the same runner as in production, under a clock that the test moves:
 * `await using run = await testPipeline(grid)`. Nothing touches the disk or the network but what handlers do themselves.
 */
export async function testPipeline(pipeline: Pipeline, options: TestOptions = {}): Promise<TestRun> {
  let run: TestRun | undefined
  const clock = new VirtualClock({
    ...(options.startMs === undefined ? {} : { startMs: options.startMs }),
    settle: () => run?.step() ?? Promise.resolve(),
  })
  // Loaded on use: a pipeline's file is loaded in every thread, and none of them needs an engine for its declarations.
  const [{ openInMemory }, { TestRun }] = await Promise.all([import('../engine/embedded/index.ts'), import('./test-run.ts')])
  const engine = await openInMemory({ clock: clock.background })
  const canaries = pipeline.canaryMs === undefined ? [] : [CANARY_TOPIC.spec]
  await engine.ensure([...[...pipeline.topics.values()].map(topic => topic.spec), ...canaries])
  run = new TestRun(pipeline, engine, clock, options)
  await run.settled()
  return run
}
