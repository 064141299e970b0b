import { FrameCursor } from '../envelope/frame.ts'
import { knownRange } from '../stream/known-range.ts'
import { notesBatch } from '../stream/notes.ts'
import type { Stream, TopicSpec } from '../stream/stream.ts'
import type { Audited } from './api/session.ts'

/**
 * What was done, kept where the data are: on a shared stream all processes have one, and it outlives each of them. Bounded by age and by size,
 * some 300,000 actions.
 */
export const AUDIT: TopicSpec = { name: '_audit', partitions: 1, retentionMs: 90 * 86_400_000, retentionBytes: 64_000_000 }

const PLACE = { topic: AUDIT.name, partition: 0 }
const READ_BYTES = 1024 * 1024

/** The record of every action of the operators' side. */
export class AuditLog {
  readonly #stream: Pick<Stream, 'ensure' | 'append'>
  #ensured: Promise<unknown> | undefined

  constructor(stream: Pick<Stream, 'ensure' | 'append'>) {
    this.#stream = stream
  }

  /** Resolves when it is durable. @throws what ensure and append throw */
  async write(action: Audited): Promise<void> {
    this.#ensured ??= this.#stream.ensure([AUDIT])
    await this.#ensured.catch(error => {
      this.#ensured = undefined
      throw error
    })
    await this.#stream.append([notesBatch(AUDIT.name, 0, [{ key: '', data: JSON.stringify(action) }], Date.parse(action.at))])
  }
}

/** @returns the last so many, the newest first. */
export async function readAudit(stream: Pick<Stream, 'topics' | 'bounds' | 'read'>, limit: number): Promise<Audited[]> {
  if (!(await stream.topics()).some(({ name }) => name === AUDIT.name)) return []
  const [bounds] = await stream.bounds(AUDIT.name)
  if (bounds === undefined) return []
  const actions: Audited[] = []
  const range = { first: Math.max(bounds.first, bounds.next - limit), end: bounds.next }
  for await (const batch of knownRange(stream, PLACE, range, { readBytes: READ_BYTES })) {
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    while (cursor.next()) {
      // Only write() above makes these.
      if (!cursor.isVoid && batch.first + cursor.index >= range.first) actions.push(JSON.parse(cursor.dataText) as Audited)
    }
  }
  return actions.reverse()
}
