import { begun } from '../../../checkpoint.ts'
import type { Checkpoint } from '../../../stream.ts'

/*
 * A checkpoint travels in the metadata that Kafka keeps beside a committed offset, so that both move as one. JSON, so that
 * `kafka-consumer-groups --describe` and any other tool shows it; brokers take 4,096 bytes (offset.metadata.max.bytes), it has about 300.
 */
interface CheckpointText {
  /** The topic's own id in the cluster: an offset of one that was deleted and made anew means nothing. */
  readonly topic_id: string
  readonly first: number
  readonly done: number
  readonly dead: number
  readonly duplicate: number
  readonly lost: number
  readonly edition: number
  readonly intent?: readonly [number, number]
  readonly snapshot?: number
  readonly fold_from?: number
}

/** A checkpoint, and of which topic it is; neither the topic nor counts are known of an offset that another tool has set. */
export interface Committed {
  readonly checkpoint: Checkpoint
  readonly topicId: string | undefined
}

const COUNTS = ['first', 'done', 'dead', 'duplicate', 'lost', 'edition'] as const

export function checkpointText(
  { first, done, dead, duplicate, lost, edition, intent, snapshot, foldFrom }: Checkpoint,
  topicId: string,
): string {
  const text: CheckpointText = {
    topic_id: topicId,
    first,
    done,
    dead,
    duplicate,
    lost,
    edition,
    ...(intent === undefined ? {} : { intent: [intent.first, intent.end] }),
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(foldFrom === undefined ? {} : { fold_from: foldFrom }),
  }
  return JSON.stringify(text)
}

/**
 * A committed offset and its metadata. Where the metadata is not ours somebody has set the offset (`kafka-consumer-groups
 * --reset-offsets` leaves it empty): the offset counts, and counting begins there.
 */
export function readCommitted(offset: number, metadata: string | null | undefined, edition: number): Committed {
  const text = parsed(metadata)
  if (text === undefined) return { checkpoint: begun(offset, edition), topicId: undefined }
  const { topic_id: topicId, intent, snapshot, fold_from: foldFrom, first, done, dead, duplicate, lost } = text
  return {
    topicId,
    checkpoint: {
      offset,
      first,
      done,
      dead,
      duplicate,
      lost,
      edition: text.edition,
      ...(intent === undefined ? {} : { intent: { first: intent[0], end: intent[1] } }),
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(foldFrom === undefined ? {} : { foldFrom }),
    },
  }
}

/** The edition that a committed offset carries; undefined where somebody else has set it. */
export function editionIn(metadata: string | null | undefined): number | undefined {
  return parsed(metadata)?.edition
}

function parsed(metadata: string | null | undefined): CheckpointText | undefined {
  if (!metadata?.startsWith('{')) return undefined
  let text: Partial<Record<string, unknown>>
  try {
    text = JSON.parse(metadata)
  } catch {
    // Another tool's.
    return undefined
  }
  const { topic_id: topicId, intent, snapshot, fold_from: foldFrom } = text
  const counted = COUNTS.every(name => Number.isSafeInteger(text[name]))
  const opened = intent === undefined || (Array.isArray(intent) && intent.length === 2 && intent.every(Number.isSafeInteger))
  const pointers = [snapshot, foldFrom].every(offset => offset === undefined || Number.isSafeInteger(offset))
  if (typeof topicId !== 'string' || !counted || !opened || !pointers) return undefined
  // Its fields were looked at just now.
  return text as unknown as CheckpointText
}
