import type { StoredLetter } from '../../agents/dead-letter.ts'
import type { LetterGroup } from '../../agents/letter-groups.ts'
import { plain } from '../output.ts'
import { table, timeText } from '../table.ts'

const REASON_CHARACTERS = 100

export function drawLetters(letters: readonly StoredLetter[]): string {
  if (letters.length === 0) return ''
  return table(
    ['LETTER', 'STATE', 'AGENT', 'TOPIC', 'DATA_ID', 'WHEN', 'ATTEMPTS', 'REASON'],
    letters.map(letter => [
      letter.letter,
      letter.edited === undefined ? letter.state : `${letter.state}, edited`,
      `${letter.agent.name}@${letter.agent.version}`,
      letter.topic,
      letter.dataId,
      timeText(letter.atMs),
      letter.attempts,
      plain(letter.error.message.split('\n', 1)[0]!),
    ]),
  )
}

export function drawGroups(groups: readonly LetterGroup[]): string {
  if (groups.length === 0) return ''
  return table(
    ['GROUP', 'LETTERS', 'AGENT', 'FIRST', 'LAST', 'EXAMPLE', 'REASON'],
    groups.map(group => [
      group.fingerprint,
      group.count,
      `${group.agent.name}@${group.agent.version}`,
      timeText(group.firstMs),
      timeText(group.lastMs),
      group.example,
      reasonOf(group),
    ]),
  )
}

function reasonOf({ error, shape }: LetterGroup): string {
  const text = plain(`${error.code ?? error.name}: ${shape}`)
  return text.length > REASON_CHARACTERS ? `${text.slice(0, REASON_CHARACTERS - 1)}…` : text
}
