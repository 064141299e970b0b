import { shellWord } from './shell.ts'

/** `millrace tap` with what a tail looks at. */
export function tapCommand(topic: string, from = 'latest', where: readonly string[] = []): string {
  const start = from === '' || from === 'latest' ? [] : ['--from', shellWord(from)]
  return ['millrace tap', shellWord(topic), ...start, ...where.flatMap(condition => ['--where', shellWord(condition)])].join(' ')
}
