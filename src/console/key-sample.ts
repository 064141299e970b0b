import type { EngineView } from '../engine/engine.ts'
import { FrameCursor } from '../envelope/frame.ts'
import type { TopicSample } from '../instrumentation/sampler.ts'
import type { TopicAnswer } from './api/topics.ts'

/** A sample has so many data, from so many partitions, and so many bytes are read of each. */
const SAMPLE_DATA = 2_000
const MAX_PARTITIONS = 64
const LEAST_DATA = 50
const READ_BYTES = 262_144
const TOP = 20

/** Which keys the newest data of a topic have. @param keyOf a datum's key as people may see it; null without one. */
export async function sampleKeys(
  view: Pick<EngineView, 'read'>,
  topic: TopicSample,
  keyOf: (cursor: FrameCursor) => string | null,
): Promise<TopicAnswer['keys']> {
  const places = evenly([...topic.bounds.entries()].filter(([, { first, next }]) => next > first))
  const each = Math.max(LEAST_DATA, Math.floor(SAMPLE_DATA / Math.max(1, places.length)))
  const weights = weightsOf(topic)
  const whole = places.reduce((sum, [partition]) => sum + (weights[partition] ?? 0), 0)
  let sampled = 0
  const keys: TopicAnswer['keys']['top'] = []
  for (const [partition, { first, next }] of places) {
    const counts = new Map<string, number>()
    const batch = await view.read(topic.spec.name, partition, Math.max(first, next - each), READ_BYTES)
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    let looked = 0
    while (cursor.next()) {
      const key = cursor.isVoid ? null : keyOf(cursor)
      if (!cursor.isVoid) looked++
      if (key !== null) counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    sampled += looked
    const weight = whole === 0 ? 0 : (weights[partition] ?? 0) / whole
    for (const [key, count] of counts) keys.push({ key, partition, share: (count / looked) * weight })
  }
  keys.sort((a, b) => b.share - a.share)
  return { sampled, distinct: keys.length, top: keys.slice(0, TOP) }
}

/** What comes into each partition; where nothing comes now, what came. */
function weightsOf({ bounds, partitionsPerSecond }: TopicSample): readonly number[] {
  return partitionsPerSecond.some(perSecond => perSecond > 0) ? partitionsPerSecond : bounds.map(({ first, next }) => next - first)
}

function evenly<T>(all: readonly T[]): readonly T[] {
  if (all.length <= MAX_PARTITIONS) return all
  return Array.from({ length: MAX_PARTITIONS }, (_, i) => all[Math.floor((i * all.length) / MAX_PARTITIONS)]!)
}
