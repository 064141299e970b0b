import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { connectEmbedded, openEmbedded, openInMemory } from '../../src/engine/embedded/index.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { AppendBatch, RecordBatch } from '../../src/stream/stream.ts'
import { engineSuite } from '../../src/testing/engine-suite.ts'
import type { UnderTest } from '../../src/testing/framework.ts'
import { streamSuite } from '../../src/testing/stream-suite.ts'
import { spec } from '../../src/testing/suite-data.ts'
import { traceSuite } from '../../src/testing/trace-suite.ts'
import type { Trace } from '../../src/trace/trace.ts'

async function inMemory(): Promise<UnderTest<Engine>> {
  const subject = await openInMemory({})
  return { subject, dispose: () => subject.close() }
}

async function onDisk(): Promise<UnderTest<Engine>> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-suite-'))
  let engine = await openEmbedded({ directory })
  return {
    subject: engine,
    async reopen() {
      await engine.close()
      engine = await openEmbedded({ directory })
      return engine
    },
    async dispose() {
      await engine.close()
      await rm(directory, { recursive: true })
    },
  }
}

/** As an agent's thread has it: by a port to the writer, and a connection of its own to read by. */
async function byPort(): Promise<UnderTest<Engine>> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-suite-'))
  let engine = await openEmbedded({ directory })
  let connected = connectEmbedded({ directory, port: engine.connect() })
  return {
    subject: connected,
    async reopen() {
      await connected.close()
      await engine.close()
      engine = await openEmbedded({ directory })
      connected = connectEmbedded({ directory, port: engine.connect() })
      return connected
    },
    async dispose() {
      await connected.close()
      await engine.close()
      await rm(directory, { recursive: true })
    },
  }
}

/** The same with the topics that the trace's suite speaks of. */
const withTopics = (open: () => Promise<UnderTest<Engine>>) => async () => {
  const under = await open()
  await under.subject.ensure([spec('demand', 2), spec('prediction')])
  return under
}

/** The engine's trace knows its stream: data are placed by appending them. */
async function place(trace: Trace, batch: AppendBatch): Promise<RecordBatch> {
  // Every trace under test here is an engine: see `open` below.
  const engine = trace as Engine
  const [appended] = await engine.append([batch])
  return engine.read(batch.topic, batch.partition, appended!.first, 1)
}

const framework = { describe, it }
for (const [name, open, durable] of [
  ['the engine in memory', inMemory, false],
  ['the embedded engine', onDisk, true],
  ['the embedded engine by a port', byPort, true],
] as const) {
  streamSuite(framework, name, { open, durable })
  traceSuite(framework, name, { open: withTopics(open), place, durable, recognisesCopies: false })
  engineSuite(framework, name, { open, durable, transactional: true })
}
