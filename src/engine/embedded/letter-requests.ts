import { replayTopicSpec } from '../../agents/dead-letter.ts'
import { agentOf, groupName } from '../engine.ts'
import type { Tables } from './tables.ts'

/**
 * Puts dead letters' data into their agents' replay topics. Only those that are dead are taken. A version that was replaced reads
 * nothing any more: its letters go to the one that has its place.
 */
export function replayLetters(tables: Tables, letters: readonly number[], by: string, nowMs: number): number[] {
  const replayed: number[] = []
  // They are listed newest first; data of one key are to come in their order again.
  for (const letter of [...new Set(letters)].sort((a, b) => a - b)) {
    const replay = tables.letters.take(letter)
    if (replay === undefined) continue
    const spec = replayTopicSpec(agentOf(tables.checkpoints.holderOf(groupName(replay.agent))))
    // The agent may not be running here: its topic waits for it.
    if (tables.catalog.findTopic(spec.name) === undefined) tables.topics.ensure([spec])
    const place = tables.catalog.place(spec.name, 0)
    const offset = tables.log.append(place, replay.frames, 1, false)
    tables.letters.replayed(letter, place, offset, by, nowMs)
    replayed.push(letter)
  }
  return replayed
}

export function discardLetters(tables: Tables, letters: readonly number[], by: string, nowMs: number): number[] {
  return [...new Set(letters)].filter(letter => tables.letters.discard(letter, by, nowMs))
}

export function expireLetters(tables: Tables, letters: readonly number[], diedBeforeMs: number, nowMs: number): number[] {
  return [...new Set(letters)].filter(letter => tables.letters.expire(letter, diedBeforeMs, nowMs))
}
