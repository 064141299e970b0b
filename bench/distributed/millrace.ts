import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, child } from '../child.ts'
import { fillStream, finished } from './log.ts'
import type { ServerCommand } from './server-cpu.ts'
import type { Servers } from './servers.ts'
import { type Used, used } from './slope.ts'

let turn = 0

/** A stream and a trace that nothing has used, in the servers that all share: by a prefix of its own. */
export async function freshEngine(servers: Servers, traceQuery = ''): Promise<{ readonly stream: string; readonly trace: string }> {
  const name = `bench-${process.pid}-${turn++}`
  const [kafka, redis] = await Promise.all([servers.kafka(), servers.redis()])
  return { stream: `kafka://${kafka}?prefix=${name}.`, trace: `${redis}?prefix=${name}:${traceQuery}` }
}

/** A part of a pipeline of `bench/pipelines` in a process of its own. */
export function startMillrace(
  pipeline: string,
  directory: string,
  { stream, trace }: { readonly stream: string; readonly trace: string },
  role: string,
): Promise<Child> {
  return child('millrace-server.ts', [pipelinePath(pipeline), directory, stream, trace, role])
}

/** What it costs a process that is started for it to work through `count` data that wait in Kafka. */
export async function replayed(options: {
  readonly servers: Servers
  readonly directory: string
  readonly pipeline: string
  readonly role: string
  readonly group: string
  readonly keys: number
  readonly count: number
  readonly watch: readonly ServerCommand[]
  readonly traceQuery?: string
}): Promise<Used> {
  const { servers, directory, pipeline, role, group, keys, count, watch, traceQuery } = options
  const engine = await freshEngine(servers, traceQuery)
  await fillStream(engine.stream, count, keys)
  return used(watch, async () => {
    const server = await startMillrace(pipeline, join(directory, `distributed-${turn}`), engine, role)
    await finished(engine.stream, group, count)
    const own = await server.ask<number>('cpu')
    await server.stop()
    return own
  })
}

function pipelinePath(pipeline: string): string {
  return fileURLToPath(new URL(`../pipelines/${pipeline}.ts`, import.meta.url))
}
