import { shellWord } from './shell.ts'

/** `millrace tap` with what a tail looks at. */
export function tapCommand(topic: string, from = 'latest', where: readonly string[] = []): string {
  const start = from === '' || from === 'latest' ? [] : ['--from', shellWord(from)]
  return ['millrace tap', shellWord(topic), ...start, ...where.flatMap(condition => ['--where', shellWord(condition)])].join(' ')
}

/** `millrace find` for what is searched: the texts that are not empty, by the name of their flag. */
export function findCommand(texts: Readonly<Record<string, string>>, where: readonly string[]): string {
  const flags = Object.entries(texts).flatMap(([name, value]) => (value === '' ? [] : [`--${name}`, shellWord(value)]))
  return ['millrace find', ...flags, ...where.flatMap(condition => ['--where', shellWord(condition)])].join(' ')
}
