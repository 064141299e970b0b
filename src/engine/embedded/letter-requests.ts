import type { Tables } from './tables.ts'

const REPLAY_RETENTION_MS = 7 * 86_400_000

/** Puts dead letters' data into their agents' replay topics. Only those that are dead are taken. */
export function replayLetters(tables: Tables, letters: readonly number[], by: string, nowMs: number): number[] {
  const replayed: number[] = []
  for (const letter of new Set(letters)) {
    const replay = tables.letters.take(letter)
    if (replay === undefined) continue
    // The agent may not be running here: its topic waits for it.
    if (tables.catalog.findTopic(replay.topic) === undefined) {
      tables.topics.ensure([{ name: replay.topic, partitions: 1, retentionMs: REPLAY_RETENTION_MS }])
    }
    const place = tables.catalog.place(replay.topic, 0)
    const offset = tables.log.append(place, replay.frames, 1, false)
    tables.letters.replayed(letter, place, offset, by, nowMs)
    replayed.push(letter)
  }
  return replayed
}

export function discardLetters(tables: Tables, letters: readonly number[], by: string, nowMs: number): number[] {
  return [...new Set(letters)].filter(letter => tables.letters.discard(letter, by, nowMs))
}
