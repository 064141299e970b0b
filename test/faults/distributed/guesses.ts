import type { Findings } from '../findings.ts'
import type { Datum } from '../log.ts'
import { placeOf } from '../recompute.ts'

/** The guesses about a reading are those of one run, all of them, however often it was made to guess. */
export function checkGuesses(readings: readonly Datum[], guesses: readonly Datum[], findings: Findings): void {
  const byCause = Map.groupBy(guesses, guess => guess.parents[0]!)
  for (const reading of readings) {
    const own = byCause.get(reading.id) ?? []
    byCause.delete(reading.id)
    if (own.length === 0) {
      findings.push(`lost: guess is past ${placeOf(reading)} and put nothing out for it`)
      continue
    }
    const runs = new Set(own.map(({ value }) => value.run))
    const indexes = new Set(own.map(({ value }) => value.index))
    const isWhole = runs.size === 1 && indexes.size === own.length && own.every(({ value }) => value.of === own.length)
    if (!isWhole || own.some(({ value }) => value.n !== reading.value.n)) {
      const said = own.map(guess => `${guess.id} at ${placeOf(guess)} ${JSON.stringify(guess.value)}`)
      findings.push(`mixed: the guesses about ${reading.id} of ${placeOf(reading)} are not one run’s: ${said.join(', ')}`)
    }
  }
  for (const cause of byCause.keys()) findings.push(`doubled: there are guesses about ${cause}, which is no reading`)
}
