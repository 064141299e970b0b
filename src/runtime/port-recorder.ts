import type { InHandFact, Recorder, WorkFact } from '../instrumentation/recorder.ts'
import { type ArrivalFact, together } from '../objectives/ages.ts'

/** At most ten messages a second from each thread, however many batches it commits. */
const FLUSH_MS = 100
/** A thread whose event loop is busy flushes late; what it gathers meanwhile stays bounded by sending at this many. */
const MAX_FACTS = 1_000

/** What a thread reports at once: every unit of work since the last time, and what is in hand by now. */
export interface Facts {
  readonly work: readonly WorkFact[]
  readonly inHand?: InHandFact
  /** One for each objective that data have arrived for. */
  readonly arrived?: readonly ArrivalFact[]
}

export interface PortRecorder extends Recorder {
  /** Sends what is held back. */
  flush(): void
}

/** Gathers what an agent reports and sends it to the main thread, many facts to a message. */
export function recordThrough(send: (facts: Facts) => void): PortRecorder {
  let work: WorkFact[] = []
  let inHand: InHandFact | undefined
  const arrived = new Map<string, ArrivalFact>()
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    if (work.length === 0 && inHand === undefined && arrived.size === 0) return
    send({
      work,
      ...(inHand === undefined ? {} : { inHand }),
      ...(arrived.size === 0 ? {} : { arrived: [...arrived.values()] }),
    })
    work = []
    inHand = undefined
    arrived.clear()
  }
  function soon(): void {
    timer ??= setTimeout(flush, FLUSH_MS).unref()
  }

  return {
    ingest() {}, // only the front end ingests, and it records in the main thread
    work(fact) {
      work.push(fact)
      if (work.length >= MAX_FACTS) flush()
      else soon()
    },
    arrived(facts) {
      for (const fact of facts) {
        const before = arrived.get(fact.slo)
        arrived.set(fact.slo, before === undefined ? fact : together(before, fact))
      }
      soon()
    },
    inHand(fact) {
      inHand = fact
      soon()
    },
    flush,
  }
}
