import type { Findings } from './findings.ts'
import type { Datum } from './log.ts'
import type { Producer } from './producer.ts'

/** What producers were told is in the log, and what they sent under an id is there once. */
export function checkAcknowledged(readings: readonly Datum[], producers: readonly Producer[], findings: Findings): void {
  const ids = new Map<string, Datum>()
  for (const datum of readings) {
    if (ids.has(datum.id)) findings.push(`doubled: reading ${datum.id} is in the log twice`)
    ids.set(datum.id, datum)
  }
  const times = new Map<unknown, number>()
  for (const datum of readings) times.set(datum.value.n, (times.get(datum.value.n) ?? 0) + 1)
  for (const producer of producers) {
    for (const [id, n] of producer.acknowledged) {
      if (ids.get(id)?.value.n !== n) findings.push(`lost: reading ${n} was acknowledged as ${id} and is not in the log`)
    }
    for (const n of producer.withId) {
      if ((times.get(n) ?? 0) > 1) findings.push(`doubled: reading ${n} was sent with an id and is in the log ${times.get(n)} times`)
    }
  }
}
