import type { TopicSpec } from '../../stream.ts'
import type { Settings } from './options.ts'

/** What a topic of a spec is to be in the cluster. */
export interface TopicSettings {
  readonly partitions: number
  readonly replication: number
  /** By Kafka's names, as text: those that are made, and checked in a topic that is there. */
  readonly configs: Readonly<Record<string, string>>
}

/** A setting in which a topic differs. */
export interface Difference {
  readonly setting: string
  readonly expected: string
  readonly found: string
  /** The command that mends it. */
  readonly mend: string
}

/** The largest record batch of a topic that is made: larger data are files, and belong into a store. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024
export const MESSAGE_BYTES = 'max.message.bytes'
const DEFAULT_REPLICATION = 3
/** Set when a topic is made, and left to its owners after that. */
const UNCHECKED = new Set([MESSAGE_BYTES, 'compression.type'])

export function topicSettings(spec: TopicSpec, settings: Settings, brokers: number): TopicSettings {
  const replication = settings.replication ?? Math.min(DEFAULT_REPLICATION, brokers)
  const minInsync = settings.minInsyncReplicas ?? (replication >= DEFAULT_REPLICATION ? 2 : 1)
  const bounded = Number.isFinite(spec.retentionMs) || spec.retentionBytes !== undefined
  return {
    partitions: spec.partitions,
    replication,
    configs: {
      'cleanup.policy': spec.compacted ? (bounded ? 'compact,delete' : 'compact') : 'delete',
      'retention.ms': Number.isFinite(spec.retentionMs) ? String(Math.round(spec.retentionMs)) : '-1',
      // Kafka's is for each partition.
      'retention.bytes': spec.retentionBytes === undefined ? '-1' : String(Math.ceil(spec.retentionBytes / spec.partitions)),
      'min.insync.replicas': String(minInsync),
      [MESSAGE_BYTES]: String(MAX_MESSAGE_BYTES),
      'compression.type': 'producer',
    },
  }
}

/** The configuration that has to be known of a topic: what is compared, and what decides how large a datum may be. */
export const CHECKED_CONFIGS = ['cleanup.policy', 'retention.ms', 'retention.bytes', 'min.insync.replicas', MESSAGE_BYTES]

/** How a topic that is there differs from what it is to be. */
export function differences(
  kafkaTopic: string,
  expected: TopicSettings,
  found: { readonly partitions: number; readonly replication: number; readonly configs: ReadonlyMap<string, string> },
): Difference[] {
  const different: Difference[] = []
  if (found.partitions !== expected.partitions) {
    different.push({
      setting: 'partitions',
      expected: String(expected.partitions),
      found: String(found.partitions),
      mend:
        found.partitions < expected.partitions
          ? `kafka-topics --alter --topic ${kafkaTopic} --partitions ${expected.partitions} (keys then move to other partitions)`
          : `declare partitions: ${found.partitions}, for Kafka takes none away`,
    })
  }
  if (found.replication < expected.replication) {
    different.push({
      setting: 'replication factor',
      expected: String(expected.replication),
      found: String(found.replication),
      mend: `kafka-reassign-partitions with a plan of ${expected.replication} replicas, or replication=${found.replication} in the stream's URL`,
    })
  }
  for (const [setting, value] of Object.entries(expected.configs)) {
    const is = found.configs.get(setting)
    if (UNCHECKED.has(setting) || is === undefined || normal(is) === normal(value)) continue
    different.push({
      setting,
      expected: value,
      found: is,
      mend: `kafka-configs --alter --entity-type topics --entity-name ${kafkaTopic} --add-config '${setting}=${value.includes(',') ? `[${value}]` : value}'`,
    })
  }
  return different
}

/** A list's order does not matter. */
function normal(value: string): string {
  return value
    .split(',')
    .map(part => part.trim())
    .sort()
    .join()
}
