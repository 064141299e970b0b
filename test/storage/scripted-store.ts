import { FrameCursor } from '../../src/envelope/frame.ts'
import type { Roll, RollingStore, RollPolicy, Written } from '../../src/storage/storage.ts'
import type { RecordBatch } from '../../src/stream/stream.ts'

/** One call of a writer: what it was asked to write, and what it was given. */
export interface Call {
  readonly roll: Roll
  readonly ids: readonly string[]
  readonly signal: AbortSignal
}

/** A store in memory that does in each write what the test says, before it keeps what it was given. A range written again replaces itself. */
export class ScriptedStore implements RollingStore {
  readonly kind = 'rolling'
  readonly describe = 'a script'
  readonly roll: RollPolicy
  readonly calls: Call[] = []
  readonly ranges = new Map<string, readonly string[]>()
  /** What a write comes to. Default: everything is stored. */
  outcome: (call: Call) => Promise<Partial<Written> | undefined> | Partial<Written> | undefined = () => undefined

  constructor(roll: Partial<RollPolicy> = {}) {
    this.roll = { records: 1_000_000, bytes: 1e9, ageMs: 60_000, ...roll }
  }

  /** Every id that it holds, as often as it holds it. */
  get ids(): string[] {
    return [...this.ranges.values()].flat().sort()
  }

  async open() {
    return {
      write: async (roll: Roll, batches: AsyncIterable<RecordBatch>, signal: AbortSignal): Promise<Written> => {
        const ids: string[] = []
        for await (const batch of batches) {
          const cursor = new FrameCursor(batch.frames)
          while (cursor.next()) ids.push(cursor.dataId)
        }
        const call = { roll, ids, signal }
        this.calls.push(call)
        const came = await this.outcome(call)
        this.ranges.set(`${roll.topic.name}/${roll.partition}/${roll.first}`, ids)
        return { files: 1, bytes: 0, unstorable: [], ...came }
      },
      close: async () => undefined,
    }
  }
}
