import type { StoredLetter } from '../../agents/dead-letter.ts'
import { LETTERS } from '../../engine/distributed/internal-topics.ts'
import { type BroughtLetter, LetterLog } from '../../engine/distributed/letter-log.ts'
import { MillraceError } from '../../errors.ts'
import type { MovedPlace } from './copy-log.ts'
import type { Lines } from './lines.ts'
import type { Moving } from './moving.ts'

const PAGE = 200
const PAGE_BYTES = 4 * 1024 * 1024

/**
 * Brings the dead letters as they stand, in the order of their numbers, so that they get the same ones; goes on behind those that are there.
 * @returns how many there are. @throws MOVE_REFUSED where others are there.
 */
export async function moveLetters(moving: Moving, places: readonly MovedPlace[], lines: Lines): Promise<number> {
  const { source, stream, clock, signal } = moving
  const [newest] = await source.letters.list({ limit: 1 })
  if (newest === undefined) return 0
  await stream.ensure([LETTERS])
  const log = new LetterLog(stream, clock)
  const bases = new Map(places.map(({ topic, partition, base }) => [`${topic}/${partition}`, base]))
  const there = (await stream.bounds(LETTERS.name))[0]?.next ?? 0
  let count = 0
  for (let from = 1; from <= newest.letter; from += PAGE) {
    signal.throwIfAborted()
    const letters = await page(moving, from)
    const known = Math.max(0, Math.min(letters.length, there - count))
    if (known > 0) await checkSame(log, letters[known - 1]!, count + known)
    let gathered: BroughtLetter[] = []
    let bytes = 0
    for (const letter of letters.slice(known)) {
      const brought = await broughtOf(source, letter)
      const base = bases.get(`${letter.topic}/${letter.partition}`) ?? 0
      gathered.push({ ...brought, offset: letter.offset - base })
      bytes += brought.frame.length + (brought.editedFrame?.length ?? 0)
      if (bytes < PAGE_BYTES) continue
      await stream.append([log.brought(gathered, agent => lines.versionsOf(agent))])
      gathered = []
      bytes = 0
    }
    if (gathered.length > 0) await stream.append([log.brought(gathered, agent => lines.versionsOf(agent))])
    count += letters.length
  }
  return count
}

/** The letter with its data; one that has expired has none. */
async function broughtOf({ letters }: Moving['source'], letter: StoredLetter): Promise<BroughtLetter> {
  if (letter.state === 'expired') return { ...letter, frame: new Uint8Array(0) }
  const frame = await letters.original(letter.letter)
  const editedFrame = letter.edited === undefined ? undefined : await letters.frame(letter.letter)
  // It was listed just now, and nobody writes.
  if (frame === undefined) throw new TypeError(`The letter ${letter.letter} has no datum.`)
  return { ...letter, frame, ...(editedFrame === undefined ? {} : { editedFrame }) }
}

/** By rising numbers. */
async function page({ source }: Moving, from: number): Promise<StoredLetter[]> {
  const letters = await source.letters.list({ letters: Array.from({ length: PAGE }, (_, i) => from + i), limit: PAGE })
  return letters.reverse()
}

async function checkSame(log: LetterLog, letter: StoredLetter, number: number): Promise<void> {
  const [there] = await log.list({ letters: [number], limit: 1 })
  if (there?.dataId === letter.dataId) return
  throw new MillraceError('MOVE_REFUSED', `The dead letter ${number} on the stream is not the one of the data directory.`, {
    fix: 'Stop whatever runs there, delete the topics that the move has made, and move again.',
  })
}
