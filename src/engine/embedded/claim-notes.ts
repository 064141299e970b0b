import { ID_BYTES } from '../../envelope/data-id.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import type { RecordBatch, TopicPartition } from '../../stream/stream.ts'
import { AGAIN, type AgentVersion, type ClaimStates, COPY, FRESH, type Range } from '../../trace/trace.ts'

/** Claims of one agent in one partition remembered at a time. */
const REMEMBERED = 64

/** What this client has claimed: the writer notes claims late, and a second claim must still learn of the first. */
export class ClaimNotes {
  readonly #claims = new Map<string, Range[]>()
  #unseen = false

  /** Completes what the trace said of [from, end) by what was claimed here, and by copies within the batch. */
  claim(agent: AgentVersion, batch: RecordBatch, from: number, states: ClaimStates): void {
    this.#unseen = true
    const key = keyOf(agent, batch)
    const known = this.#claims.get(key) ?? []
    const end = batch.first + batch.count
    for (const range of known) {
      for (let offset = Math.max(range.first, from); offset < Math.min(range.end, end); offset++) {
        if (states[offset - from] === FRESH) states[offset - from] = AGAIN
      }
    }
    markCopies(batch, from, states)
    known.push({ first: from, end })
    if (known.length > REMEMBERED) known.shift()
    this.#claims.set(key, known)
  }

  finished(agent: AgentVersion, at: TopicPartition, offset: number): void {
    const key = keyOf(agent, at)
    const left = this.#claims.get(key)?.filter(range => range.end > offset)
    if (left === undefined) return
    if (left.length === 0) this.#claims.delete(key)
    else this.#claims.set(key, left)
  }

  /** Whether there were claims since the last time. */
  takeUnseen(): boolean {
    const unseen = this.#unseen
    this.#unseen = false
    return unseen
  }
}

function keyOf(agent: AgentVersion, at: TopicPartition): string {
  return `${agent.name}@${agent.version}/${at.topic}/${at.partition}`
}

/** Open addressing over the ids' last four bytes, which are random or a hash in every kind of id: no object a datum. */
function markCopies(batch: RecordBatch, from: number, states: ClaimStates): void {
  if (batch.count < 2) return
  const size = 2 ** Math.ceil(Math.log2(batch.count * 2))
  const table = new Int32Array(size)
  const cursor = new FrameCursor(batch.frames)
  const { bytes } = cursor
  while (cursor.next()) {
    if (batch.first + cursor.index < from) continue
    const idAt = cursor.idAt
    let slot = bytes.readUInt32LE(idAt + ID_BYTES - 4) & (size - 1)
    for (; table[slot] !== 0; slot = (slot + 1) & (size - 1)) {
      // Slots hold where an id lies; no id lies at 0, where the first frame's length is.
      const other = table[slot]!
      if (bytes.compare(bytes, other, other + ID_BYTES, idAt, idAt + ID_BYTES) !== 0) continue
      const index = batch.first + cursor.index - from
      if (states[index] === FRESH || states[index] === AGAIN) states[index] = COPY
      break
    }
    if (table[slot] === 0) table[slot] = idAt
  }
}
