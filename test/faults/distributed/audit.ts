import type { EngineView } from '../../../src/engine/engine.ts'
import { checkAcknowledged } from '../acknowledged.ts'
import { type Findings, shortened } from '../findings.ts'
import { type Datum, readLog } from '../log.ts'
import type { Producer } from '../producer.ts'
import { checkCache, checkFold, checkOutputs, checkWindow, placeOf } from '../recompute.ts'
import { checkGuesses } from './guesses.ts'
import type { Objects } from './objects.ts'
import { isCondemned } from './pipeline.ts'
import type { Rows } from './rows.ts'

const TOPICS = ['readings', 'totals', 'means', 'echoes', 'guesses', 'verdicts'] as const
const MOST_LETTERS = 1_000_000

export interface Audited {
  readonly findings: Findings
  /** Records in the log beyond the first of each id: allowed, and taken for what they are by everybody. */
  readonly copies: number
  /** Data that objects hold again, after the trace was lost. */
  readonly objectCopies: number
  readonly letters: number
}

export interface AuditSubject {
  readonly view: EngineView
  readonly producers: readonly Producer[]
  readonly rows: Rows
  readonly objects: Objects
  readonly traceLost?: boolean
}

/**
 * Compares what was acknowledged with all that came of it, at rest: every acknowledged datum is in the log; every agent has put out for each
 * datum exactly what it must, by distinct ids; cache, rows, objects and dead letters say the same as the log.
 */
export async function audit({ view, producers, rows, objects, traceLost = false }: AuditSubject): Promise<Audited> {
  const findings: Findings = []
  const whole = await Promise.all(TOPICS.map(topic => readLog(view, topic)))
  const [readings = [], totals = [], means = [], echoes = [], guesses = [], verdicts = []] = whole.map(log => distinct(log, findings))
  const condemned = readings.filter(({ value }) => isCondemned(Number(value.value)))
  const innocent = readings.filter(({ value }) => !isCondemned(Number(value.value)))

  checkAcknowledged(readings, producers, findings)
  await checkLedger(view, findings)
  checkOutputs('total', readings, totals, findings)
  checkFold(readings, totals, findings)
  checkOutputs('mean', readings, means, findings)
  checkWindow(readings, means, findings)
  checkOutputs('echo', readings, echoes, findings)
  checkSame(readings, echoes, findings)
  checkGuesses(readings, guesses, findings)
  checkOutputs('judge', innocent, verdicts, findings)
  checkSame(innocent, verdicts, findings)
  const letters = await checkLetters(view, condemned, findings)
  await checkCache(view, readings, findings)
  await rows.check('readings', readings, findings)
  await rows.check('totals', totals, findings)
  const stored = new Map(Object.entries({ readings, guesses }))
  const objectCopies = await objects.check(stored, traceLost, findings)

  const copies = whole.reduce((sum, log) => sum + log.length, 0) - [readings, totals, means, echoes, guesses, verdicts].reduce(count, 0)
  return { findings: shortened(findings), copies, objectCopies, letters }
}

function count(sum: number, data: readonly Datum[]): number {
  return sum + data.length
}

/** Of each id the first. What comes again under one id must be the same datum. */
function distinct(log: readonly Datum[], findings: Findings): Datum[] {
  const first = new Map<string, Datum>()
  for (const datum of log) {
    const before = first.get(datum.id)
    if (before === undefined) first.set(datum.id, datum)
    else if (contentOf(before) !== contentOf(datum)) {
      findings.push(`mixed: ${datum.id} is ${contentOf(before)} at ${placeOf(before)} and ${contentOf(datum)} at ${placeOf(datum)}`)
    }
  }
  return [...first.values()]
}

function contentOf({ value, parents }: Datum): string {
  return JSON.stringify([value, parents])
}

async function checkLedger(view: EngineView, findings: Findings): Promise<void> {
  for (const { group, topic, partition, checkpoint } of await view.standings()) {
    const { first, offset, done, dead, duplicate, lost } = checkpoint
    const counts = `${done} done, ${dead} dead, ${duplicate} duplicate, ${lost} lost`
    if (offset - first !== done + dead + duplicate + lost)
      findings.push(`ledger: ${group} does not balance on ${topic}/${partition}: ${counts} from ${first} to ${offset}`)
    if (lost > 0) findings.push(`lost: ${group} counts ${lost} lost on ${topic}/${partition}`)
    if (dead > 0 && group !== 'judge@1') findings.push(`ledger: ${group} counts ${dead} dead on ${topic}/${partition}`)
  }
}

/** An output that repeats its cause's number. */
function checkSame(causes: readonly Datum[], outputs: readonly Datum[], findings: Findings): void {
  const numbers = new Map(causes.map(({ id, value }) => [id, value.n]))
  for (const output of outputs) {
    const n = numbers.get(output.parents[0]!)
    if (n !== output.value.n) findings.push(`wrong: ${placeOf(output)} says ${String(output.value.n)} of reading ${String(n)}`)
  }
}

/** One letter for each datum that the judge refuses. @returns how many there are. */
async function checkLetters(view: EngineView, condemned: readonly Datum[], findings: Findings): Promise<number> {
  const letters = await view.letters.list({ limit: MOST_LETTERS })
  const byDatum = Map.groupBy(letters, letter => letter.dataId)
  for (const datum of condemned) {
    const own = byDatum.get(datum.id) ?? []
    if (own.length === 0) findings.push(`lost: ${datum.id} of ${placeOf(datum)} cannot be judged and has no dead letter`)
    if (own.length > 1) findings.push(`doubled: ${datum.id} of ${placeOf(datum)} has ${own.length} dead letters`)
    byDatum.delete(datum.id)
  }
  for (const [id, [letter]] of byDatum) {
    findings.push(`letters: ${id} is a dead letter of ${letter?.agent.name}, for no reason: ${letter?.error.message}`)
  }
  return letters.length
}
