import type { Key } from '../../../api/producers.ts'
import { shellWord } from '../../parts/shell.ts'

/** Whether a key lets nobody in any more. */
export function isOver({ revoked, expires }: Pick<Key, 'revoked' | 'expires'>, nowMs: number): boolean {
  return revoked !== null || (expires !== null && Date.parse(expires) <= nowMs)
}

/** Those that are valid first; within each as they came, the newest first. */
export function sortedKeys(keys: readonly Key[], nowMs: number): Key[] {
  return keys.toSorted((a, b) => Number(isOver(a, nowMs)) - Number(isOver(b, nowMs)))
}

export function topicsText(topics: Key['topics']): string {
  return topics === '*' ? 'every topic that no agent writes' : topics.join(', ')
}

/** `millrace keys add` with what a form says. */
export function addCommand(source: string, topics: Key['topics'], expires: string): string {
  const to = topics === '*' ? ['--all-topics'] : topics.flatMap(topic => ['--topic', shellWord(topic)])
  return [
    'millrace keys add',
    shellWord(source === '' ? '<source>' : source),
    ...to,
    ...(expires === '' ? [] : ['--expires', shellWord(expires)]),
  ].join(' ')
}
