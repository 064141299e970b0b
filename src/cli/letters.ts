import { hostname, userInfo } from 'node:os'
import type { LetterFilter } from '../agents/dead-letter.ts'
import type { Engine } from '../engine/engine.ts'
import { type Config, engineOptions } from '../runtime/config.ts'
import type { Shared } from './command.ts'
import { askOperators, operatorsOf } from './operators.ts'
import { configOf, shared, withView } from './view.ts'

export type Change = 'replay' | 'discard'

export interface Changed {
  readonly changed: readonly number[]
  /** They were not `dead` any more. */
  readonly refused: readonly number[]
}

/** So many are listed and changed at a time. */
const PAGE = 500

/** The numbers of the letters that are dead and match, the newest first, at most a page. */
export async function deadNumbers(options: Shared, filter: Omit<LetterFilter, 'limit' | 'state'>): Promise<number[]> {
  const letters = await withView(options, view => view.letters.list({ ...filter, state: 'dead', limit: PAGE }))
  return letters.map(letter => letter.letter)
}

/** Replays or discards, in the running process where there is one, else by opening the data directory. Who did it is recorded. */
export async function changeLetters(options: Shared, change: Change, numbers: readonly number[]): Promise<Changed> {
  const config = await configOf(options)
  const operators = config.connections === undefined ? operatorsOf(config.data) : undefined
  const by = operator()
  const changed =
    operators === undefined ? await changeAtRest(config, change, numbers, by) : await changeRunning(operators, change, numbers, by)
  const taken = new Set(changed)
  return { changed, refused: numbers.filter(number => !taken.has(number)) }
}

async function changeRunning(operators: string, change: Change, letters: readonly number[], by: string): Promise<readonly number[]> {
  // Our own API: it answers {replayed} or {discarded}, each a list of numbers.
  const answer = (await askOperators(operators, `/v1/dead/${change}`, { letters, by })) as { replayed?: number[]; discarded?: number[] }
  return answer.replayed ?? answer.discarded ?? []
}

async function changeAtRest(config: Config, change: Change, letters: readonly number[], by: string): Promise<readonly number[]> {
  const engine = config.connections === undefined ? await openAtRest(config) : await shared(config)
  try {
    return await (change === 'replay' ? engine.letters.replay(letters, by) : engine.letters.discard(letters, by))
  } finally {
    await engine.close()
  }
}

export async function openAtRest(config: Config): Promise<Engine> {
  // The view says where there is no data directory; opening an engine would make one.
  await withView({ data: config.data }, async () => undefined)
  const { openEmbedded } = await import('../engine/embedded/index.ts')
  return openEmbedded(engineOptions(config))
}

/** Everything that matches, page after page. Letters that died again meanwhile are left: they would go round for as long as their cause lasts. */
export async function changeAll(options: Shared, change: Change, filter: Omit<LetterFilter, 'limit' | 'state'>): Promise<Changed> {
  const seen = new Set<number>()
  const changed: number[] = []
  const refused: number[] = []
  for (;;) {
    const fresh = (await deadNumbers(options, filter)).filter(number => !seen.has(number))
    if (fresh.length === 0) return { changed, refused }
    for (const number of fresh) seen.add(number)
    const page = await changeLetters(options, change, fresh)
    changed.push(...page.changed)
    refused.push(...page.refused)
  }
}

/** Who changes something, for the record of it. */
export function operator(): string {
  return `${userInfo().username}@${hostname()}`
}
