import { parseArgs } from 'node:util'

/** What the command was given, each flag with a text. With one that it has not it ends, with exit code 2. */
export function readFlags<Name extends string>(names: readonly Name[]): Readonly<Partial<Record<Name, string>>> {
  try {
    const { values } = parseArgs({ options: Object.fromEntries(names.map(name => [name, { type: 'string' as const }])) })
    // Each of them is a text, and there is no other.
    return values as Partial<Record<Name, string>>
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}. It may be given --${names.join(', --')}.`)
    process.exit(2)
  }
}

/** Flags that were given, as another command takes them. */
export function given(flags: Readonly<Partial<Record<string, string>>>, names: readonly string[]): string[] {
  return names.flatMap(name => (flags[name] === undefined ? [] : [`--${name}`, flags[name]]))
}
