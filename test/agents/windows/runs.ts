import { DistributedEngine } from '../../../src/engine/distributed/index.ts'
import { openInMemory } from '../../../src/engine/embedded/index.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { MillraceError } from '../../../src/errors.ts'
import type { Pipeline } from '../../../src/pipeline.ts'
import { MemoryBroker } from '../../../src/stream/adapters/memory/index.ts'
import { TestRun } from '../../../src/testing/test-run.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { openMemoryTrace } from '../../../src/trace/adapters/memory/index.ts'

/** The two kinds of engine that a pipeline must give the same on. */
export const ENGINES: readonly (readonly [string, (clock: VirtualClock) => Promise<Engine>])[] = [
  ['the embedded engine', clock => openInMemory({ clock: clock.background })],
  ['the distributed engine, some of whose units are cut off half way', clock => Promise.resolve(cutOff(clock))],
]

/** Every third unit has its outputs and neither its marks nor its place: it is done again beside what it has left. */
function cutOff(clock: VirtualClock): Engine {
  const trace = openMemoryTrace()
  const mark = trace.mark.bind(trace)
  let units = 0
  trace.mark = async (...given) => {
    if (++units % 3 === 0) throw new MillraceError('LEASE_LOST', 'cut off')
    await mark(...given)
  }
  return new DistributedEngine({ stream: new MemoryBroker().connect(), trace, clock: clock.background })
}

export async function runOn(open: (clock: VirtualClock) => Promise<Engine>, pipeline: Pipeline): Promise<TestRun> {
  let run: TestRun | undefined
  const clock = new VirtualClock({ settle: () => run?.step() ?? Promise.resolve() })
  const engine = await open(clock)
  await engine.ensure([...pipeline.topics.values()].map(topic => topic.spec))
  run = new TestRun(pipeline, engine, clock, {})
  return run
}
