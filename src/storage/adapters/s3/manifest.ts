import type { Staged } from '../../formats/aside.ts'
import { safeSegment } from '../../formats/safe-name.ts'
import type { Roll } from '../../storage.ts'

/** A file of a roll with what is known of it once it is written. */
export interface RollObject {
  readonly key: string
  readonly staged: Staged
  readonly sha256: Buffer
}

const OFFSET_DIGITS = 16

/** Below the prefix: `_manifests/<topic>/<writer>-<partition>-<first offset>.json`. */
export function manifestPath({ topic, writer, partition, first }: Roll): string {
  return `_manifests/${safeSegment(topic.name)}/${writer}-${partition}-${String(first).padStart(OFFSET_DIGITS, '0')}.json`
}

/**
 * What a roll consists of. Written last: who reads only what manifests list sees a roll whole or not at all. No clock is in it, so
 * that every attempt at the roll writes the same.
 */
export function manifestOf(roll: Roll, objects: readonly RollObject[]): string {
  const listed = objects.map(({ key, staged: { topic, bytes, span }, sha256 }) => ({
    topic,
    key,
    bytes,
    records: span.count,
    first_offset: span.firstOffset,
    end_offset: span.lastOffset + 1,
    first_data_id: span.firstId,
    last_data_id: span.lastId,
    sha256: sha256.toString('hex'),
  }))
  const manifest = {
    version: 1,
    topic: roll.topic.name,
    partition: roll.partition,
    writer: roll.writer,
    first_offset: roll.first,
    end_offset: roll.end,
    records: listed.reduce((sum, { records }) => sum + records, 0),
    bytes: listed.reduce((sum, { bytes }) => sum + bytes, 0),
    objects: listed,
  }
  return `${JSON.stringify(manifest)}\n`
}
