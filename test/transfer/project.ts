import { fileURLToPath } from 'node:url'
import { openEmbedded } from '../../src/engine/embedded/index.ts'
import type { EngineView } from '../../src/engine/engine.ts'
import { FrameCursor } from '../../src/envelope/frame.ts'
import { send } from '../../src/testing/send.ts'
import { frames, readings } from './pipeline.ts'

export const PIPELINE = fileURLToPath(new URL('./pipeline.ts', import.meta.url))

/** Data as a front end would have stored them: without ids of their producer's, and some with. */
export async function fill(directory: string, from: number, count: number): Promise<void> {
  const engine = await openEmbedded({ directory })
  try {
    await engine.ensure([readings.spec, frames.spec])
    const data = Array.from({ length: count }, (_, i) => ({
      station: `s${(from + i) % 7}`,
      n: from + i,
      ...(i % 3 === 0 ? { tags: ['a', 'ä'] } : {}),
      ...(i % 5 === 0 ? { data: `x${i}` } : {}),
    }))
    const half = Math.ceil(count / 2)
    await send(engine, readings, data.slice(0, half), Date.now(), { source: 'meter' })
    await send(engine, readings, data.slice(half), Date.now(), { source: 'meter', id: `batch-${from}` })
    await send(engine, frames, [Uint8Array.of(0, 255, from % 256)], Date.now(), { source: 'camera' })
  } finally {
    await engine.close()
  }
}

export interface Kept {
  readonly place: string
  readonly id: string
  readonly key: string
  readonly supplied: boolean
  readonly envelope: unknown
}

/** Everything in a topic, in the order of ids. */
export async function everything(view: EngineView, name: string): Promise<Kept[]> {
  const found: Kept[] = []
  for (const [partition, { first, next }] of (await view.bounds(name)).entries()) {
    for (let at = first; at < next; ) {
      const batch = await view.read(name, partition, at, 1_000_000)
      const cursor = new FrameCursor(batch.frames, batch.ascii)
      while (cursor.next()) {
        const { data, ...envelope } = cursor.envelope(name)
        found.push({
          place: `${name}/${partition}`,
          id: cursor.dataId,
          key: cursor.key,
          supplied: cursor.supplied,
          envelope: { ...envelope, data: Buffer.from(data).toString('base64') },
        })
      }
      at = batch.first + batch.count
    }
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1))
}
