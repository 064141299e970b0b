import type { Engine } from '../engine/engine.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { IdSet } from '../envelope/id-set.ts'
import { cut } from '../stream/cut.ts'
import type { RecordBatch } from '../stream/stream.ts'
import { type AgentVersion, COPY, type Range } from '../trace/trace.ts'

/**
 * The data of a range that are to be stored, where the stream may hold copies: what the trace knows as finished at another position is
 * left out, and of several in the range the first is taken. Another attempt at the same range chooses the same: marks name the position
 * that was first, and what is done at its own position is stored again.
 */
export class Distinct implements AsyncIterable<RecordBatch> {
  /** Positions that were taken, so far, and the ids at them. */
  readonly taken: Range[] = []
  readonly ids = new IdSet()
  /** How many were left out. */
  copies = 0
  readonly #engine: Pick<Engine, 'claim'>
  readonly #agent: AgentVersion
  readonly #batches: AsyncIterable<RecordBatch>
  readonly #claimedMs: number

  constructor(engine: Pick<Engine, 'claim'>, agent: AgentVersion, batches: AsyncIterable<RecordBatch>, claimedMs: number) {
    this.#engine = engine
    this.#agent = agent
    this.#batches = batches
    this.#claimedMs = claimedMs
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RecordBatch> {
    for await (const batch of this.#batches) {
      const states = await this.#engine.claim(this.#agent, batch, batch.first, this.#claimedMs)
      for (const range of this.#choose(batch, states)) yield cut(batch, range.first, range.end)
    }
  }

  #choose(batch: RecordBatch, states: Uint8Array): Range[] {
    const chosen: Range[] = []
    const cursor = new FrameCursor(batch.frames)
    while (cursor.next()) {
      if (cursor.isVoid || states[cursor.index] === COPY || !this.ids.add(cursor.bytes, cursor.idAt)) this.copies++
      else extend(chosen, batch.first + cursor.index)
    }
    for (const { first, end } of chosen) {
      if (this.taken.at(-1)?.end === first) this.taken[this.taken.length - 1] = { first: this.taken.at(-1)!.first, end }
      else this.taken.push({ first, end })
    }
    return chosen
  }
}

function extend(ranges: Range[], offset: number): void {
  const last = ranges.at(-1)
  if (last?.end === offset) ranges[ranges.length - 1] = { first: last.first, end: offset + 1 }
  else ranges.push({ first: offset, end: offset + 1 })
}
