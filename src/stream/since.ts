import type { Bounds, Stream, TopicPartition } from './stream.ts'

/**
 * The offset in a partition before which everything was appended before a time: by halving, as batches are appended in the order of time.
 * One that lies earlier where the stream does not show just now what is there.
 */
export async function offsetSince(
  stream: Pick<Stream, 'read'>,
  { topic, partition }: TopicPartition,
  { first, next }: Bounds,
  timeMs: number,
): Promise<number> {
  let low = first
  let high = next
  while (low < high) {
    const batch = await stream.read(topic, partition, Math.floor((low + high) / 2), 1)
    if (batch.count === 0) break
    if (batch.appendedMs < timeMs) low = batch.first + batch.count
    else high = Math.max(low, batch.first)
  }
  return low
}
