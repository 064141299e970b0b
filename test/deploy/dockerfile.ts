/** One instruction of a Dockerfile. */
export interface Instruction {
  /** Where it begins, from 1. */
  readonly line: number
  readonly name: string
  /** `--from=build` as `from` → `build`; the last of a flag given twice. */
  readonly flags: ReadonlyMap<string, string>
  /** What follows the flags, continuation lines joined. */
  readonly rest: string
}

/**
 * Reads a Dockerfile: comments, parser directives, continuation lines, flags.
 * @throws TypeError on what is not read here: heredocs, another escape character, flags without a value.
 */
export function parseDockerfile(text: string): Instruction[] {
  const instructions: Instruction[] = []
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1
    if (/^\s*#\s*escape\s*=/i.test(lines[at]!)) throw new TypeError(`Line ${line} sets another escape character.`)
    if (isComment(lines[at]!)) continue
    let joined = lines[at]!
    while (/\\\s*$/.test(joined)) {
      joined = joined.replace(/\\\s*$/, ' ')
      do at++
      while (isComment(lines[at] ?? 'end') && at < lines.length)
      if (at >= lines.length) throw new TypeError(`The instruction of line ${line} does not end.`)
      joined += lines[at]!.trim()
    }
    instructions.push(instruction(line, joined.trim()))
  }
  return instructions
}

function isComment(line: string): boolean {
  return /^\s*(#|$)/.test(line)
}

function instruction(line: number, text: string): Instruction {
  const [, name, after] = /^(\w+)\s+(.*)$/s.exec(text) ?? []
  if (name === undefined || after === undefined) throw new TypeError(`Line ${line} is no instruction: ${text}`)
  const flags = new Map<string, string>()
  let rest = after
  for (let flag = nextFlag(rest); flag !== undefined; flag = nextFlag(rest)) {
    if (flag.value === undefined) throw new TypeError(`Line ${line} has a flag without a value: --${flag.name}`)
    flags.set(flag.name, flag.value)
    rest = rest.slice(flag.length)
  }
  if (/<<-?\s*["']?\w/.test(rest)) throw new TypeError(`Line ${line} has a heredoc, which is not read here.`)
  return { line, name: name.toUpperCase(), flags, rest }
}

function nextFlag(text: string): { name: string; value: string | undefined; length: number } | undefined {
  const match = /^--([a-z-]+)(?:=(\S+))?\s+/.exec(text)
  return match === null ? undefined : { name: match[1]!, value: match[2], length: match[0].length }
}

/** `["node", "main.js"]`; undefined in the shell form. */
export function execForm(rest: string): readonly string[] | undefined {
  if (!rest.startsWith('[')) return undefined
  const words: unknown = JSON.parse(rest)
  if (!Array.isArray(words) || !words.every(word => typeof word === 'string')) throw new TypeError(`Not a list of words: ${rest}`)
  return words
}

/** `A=1 B="two words"` as pairs. */
export function assignments(rest: string): [string, string][] {
  return [...rest.matchAll(/([\w.-]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g)].map(([, name, quoted, plain]) => [name!, quoted ?? plain ?? ''])
}

/** `${NAME}` by what it stands for. @throws TypeError where it stands for nothing, or another form is used. */
export function substitute(text: string, values: ReadonlyMap<string, string>): string {
  const replaced = text.replace(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = values.get(name)
    if (value === undefined) throw new TypeError(`There is no \${${name}} to put into: ${text}`)
    return value
  })
  if (/\$/.test(replaced)) throw new TypeError(`Only \${NAME} is read here: ${text}`)
  return replaced
}
