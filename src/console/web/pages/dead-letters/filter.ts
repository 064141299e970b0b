import { shellWord } from '../../parts/shell.ts'

/** Which letters are meant, as the URL of a view has it; empty texts ask for nothing. */
export interface LetterFilter {
  readonly agent: string
  readonly topic: string
  readonly matching: string
  readonly fingerprint?: string
}

export function filterIn(query: URLSearchParams): LetterFilter {
  return { agent: query.get('agent') ?? '', topic: query.get('topic') ?? '', matching: query.get('matching') ?? '' }
}

export function isNarrowed({ agent, topic, matching, fingerprint = '' }: LetterFilter): boolean {
  return [agent, topic, matching, fingerprint].some(text => text !== '')
}

/** The same as the API takes it. An agent may be named with its version, as in the commands. */
export function askedOf(filter: LetterFilter, more: Readonly<Record<string, string>> = {}): URLSearchParams {
  const { agent, version } = agentIn(filter.agent)
  const { topic, matching, fingerprint = '' } = filter
  const all = { agent, version, topic, matching, fingerprint, ...more }
  return new URLSearchParams(Object.entries(all).filter(([, text]) => text !== ''))
}

/** The same as a body that asks for a replay. */
export function bodyOf(filter: LetterFilter): Record<string, string | number> {
  return Object.fromEntries([...askedOf(filter)].map(([name, text]) => [name, name === 'version' ? Number(text) : text]))
}

/** The same as flags of `millrace dead`. */
export function flagsOf({ agent, topic, matching, fingerprint = '' }: LetterFilter): string {
  const flags = [
    ['--agent', agent],
    ['--topic', topic],
    ['--matching', matching],
    ['--group', fingerprint],
  ] as const
  return flags.flatMap(([flag, text]) => (text === '' ? [] : [` ${flag} ${shellWord(text)}`])).join('')
}

function agentIn(text: string): { readonly agent: string; readonly version: string } {
  const [, agent = text, version = ''] = /^(.+)@(\d+)$/.exec(text) ?? []
  return { agent, version }
}
