import { describe, expect, it } from 'vitest'
import { mint } from '../../src/envelope/data-id.ts'
import { placingByNote, sharedTraceSuite } from '../../src/testing/shared-trace-suite.ts'
import { batch, dataOf } from '../../src/testing/suite-data.ts'
import { traceSuite } from '../../src/testing/trace-suite.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { openMemoryTrace } from '../../src/trace/adapters/memory/index.ts'
import { SAME_SOURCE, UNKNOWN } from '../../src/trace/trace.ts'

const open = async () => {
  const subject = openMemoryTrace()
  return { subject, dispose: () => subject.close() }
}

traceSuite({ describe, it }, 'the trace in memory', { open, place: placingByNote(), durable: false, recognisesCopies: true })
sharedTraceSuite({ describe, it }, 'the trace in memory', { open })

describe('the trace in memory', () => {
  it('forgets a datum after a day, and whose its id was after a week', async () => {
    const clock = new VirtualClock({ startMs: 1_800_000_000_000 })
    const trace = openMemoryTrace(clock)
    const sent = batch('demand', 0, [{ text: 'x', id: mint(clock.now()), supplied: true }])
    const placed = { ...sent, first: 0, appendedMs: clock.now() }
    const { id } = dataOf(placed)[0]!
    await trace.note(placed)
    await clock.advance(86_399_999)
    expect((await trace.find(id))?.source).toBe('suite')
    await clock.advance(1)
    expect(await trace.find(id)).toBeUndefined()
    expect([...(await trace.known(sent.frames, 1))]).toEqual([SAME_SOURCE])
    await clock.advance(6 * 86_400_000)
    expect([...(await trace.known(sent.frames, 1))]).toEqual([UNKNOWN])
  })
})
