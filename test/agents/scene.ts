import { openInMemory } from '../../src/engine/embedded/index.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { Pipeline } from '../../src/pipeline.ts'
import type { TestOptions } from '../../src/testing/test-pipeline.ts'
import { TestRun } from '../../src/testing/test-run.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

/** What stands before the engine's own methods. */
export type Intercept = (engine: Engine) => Partial<Engine>

/** A pipeline under test on an engine some of whose methods are the test's: to fail on purpose, or to look. */
export async function sceneOf(pipeline: Pipeline, intercept: Intercept, options: TestOptions = {}): Promise<TestRun> {
  let run: TestRun | undefined
  const clock = new VirtualClock({ settle: () => run?.step() ?? Promise.resolve() })
  const engine = await openInMemory({ clock: clock.background })
  await engine.ensure([...pipeline.topics.values()].map(topic => topic.spec))
  run = new TestRun(pipeline, intercepted(engine, intercept(engine)), clock, options)
  return run
}

export function intercepted(engine: Engine, own: Partial<Engine>): Engine {
  return new Proxy(engine, {
    get(target, property) {
      if (property in own) return Reflect.get(own, property)
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** Lets the event loop turn so many times. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}
