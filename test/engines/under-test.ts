import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import type { Engine } from '../../src/engine/engine.ts'
import type { AppendBatch, RecordBatch } from '../../src/stream/stream.ts'
import { engineSuite } from '../../src/testing/engine-suite.ts'
import type { UnderTest } from '../../src/testing/framework.ts'
import { streamSuite } from '../../src/testing/stream-suite.ts'
import { spec } from '../../src/testing/suite-data.ts'
import { traceSuite } from '../../src/testing/trace-suite.ts'
import type { Trace } from '../../src/trace/trace.ts'

type OpenEngine = () => Promise<UnderTest<Engine>>

/** An embedded engine goes through all three suites: it is a stream and a trace and what ties them. */
export function everySuite(name: string, open: OpenEngine, durable: boolean): void {
  const framework = { describe, it }
  streamSuite(framework, name, { open, durable })
  traceSuite(framework, name, { open: withTopics(open), place, durable, recognisesCopies: false })
  engineSuite(framework, name, { open, durable, transactional: true, detailed: true })
}

/** An engine over a data directory of its own, opened by `start` as often as asked. */
export async function overDirectory(
  start: (directory: string) => Promise<{ engine: Engine; stop(): Promise<void> }>,
): Promise<UnderTest<Engine>> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-suite-'))
  let running = await start(directory)
  return {
    subject: running.engine,
    async reopen() {
      await running.stop()
      running = await start(directory)
      return running.engine
    },
    async dispose() {
      await running.stop()
      await rm(directory, { recursive: true })
    },
  }
}

/** The same with the topics that the trace's suite speaks of. */
function withTopics(open: OpenEngine): OpenEngine {
  return async () => {
    const under = await open()
    await under.subject.ensure([spec('demand', 2), spec('prediction')])
    return under
  }
}

/** The engine's trace knows its stream: data are placed by appending them. */
async function place(trace: Trace, batch: AppendBatch): Promise<RecordBatch> {
  // Every trace under test here is an engine: `withTopics` opened it.
  const engine = trace as Engine
  const [appended] = await engine.append([batch])
  return engine.read(batch.topic, batch.partition, appended!.first, 1)
}
