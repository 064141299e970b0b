import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agent, cache, out, pipeline, topic } from 'millrace'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { openEmbedded } from '../../src/engine/embedded/index.ts'
import type { Engine, EngineView } from '../../src/engine/engine.ts'
import { FrameCursor } from '../../src/envelope/frame.ts'
import type { Pipeline } from '../../src/pipeline.ts'
import { topicSpecs } from '../../src/runtime/topics.ts'

/** An empty folder that goes when the test ends. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-move-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A data directory that a pipeline has run on. */
export async function embedded<T>(directory: string, pipeline: Pipeline, use: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await openEmbedded({ directory })
  try {
    await engine.ensure(topicSpecs(pipeline))
    return await use(engine)
  } finally {
    await engine.close()
  }
}

/** A pipeline with dead letters, a cache, and versions that replace each other. */
export function picky(version: 1 | 2 | 3, forgiving: () => boolean) {
  const orders = topic('orders', z.object({ shop: z.string(), n: z.number() }), { key: datum => datum.shop, partitions: 2 })
  const accepted = topic('accepted', z.object({ n: z.number(), sum: z.number() }), { partitions: 2 })
  const sums = cache('sums', z.object({ shop: z.string(), sum: z.number() }), { key: value => value.shop })
  const clerk = agent(
    'clerk',
    {
      version,
      ...(version === 1 ? {} : { replaces: version - 1 }),
      from: orders,
      to: [accepted, sums],
      by: datum => datum.shop,
      state: { init: () => 0, update: (sum: number, datum) => sum + datum.n },
      retry: { attempts: 1 },
    },
    (datum, { state }) => {
      if (datum.n % 10 === 0 && !forgiving()) throw new RangeError(`order ${datum.n} is round`)
      return [out(accepted, { n: datum.n, sum: state }), out(sums, { shop: datum.shop, sum: state })]
    },
  )
  return { orders, accepted, sums, pipeline: pipeline('picky', { agents: [clerk] }) }
}

/** All that a topic holds, as JSON. */
export async function values(view: Pick<EngineView, 'bounds' | 'read'>, name: string): Promise<Record<string, number>[]> {
  const found: Record<string, number>[] = []
  for (const [partition, { first, next }] of (await view.bounds(name)).entries()) {
    for (let from = first; from < next; ) {
      const batch = await view.read(name, partition, from, 1_000_000)
      const cursor = new FrameCursor(batch.frames)
      while (cursor.next()) if (!cursor.isVoid && batch.first + cursor.index >= from) found.push(JSON.parse(cursor.dataText))
      from = batch.first + batch.count
    }
  }
  return found
}
