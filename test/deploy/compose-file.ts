import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'

export const DEPLOY = resolve(import.meta.dirname, '../../deploy')

export interface Service {
  readonly image: string
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly secrets?: readonly string[]
  readonly volumes?: readonly string[]
  readonly networks?: readonly string[]
  readonly ports?: readonly string[]
  readonly profiles?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean }
  readonly restart?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly user?: string
  readonly deploy?: { readonly replicas: number }
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
  readonly volumes: Readonly<Record<string, object>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}

/** `${NAME:-default}`: every use in the text, before anything is put in. */
export function variables(text: string): { name: string; fallback: string }[] {
  const all = [...text.replaceAll('$$', '').matchAll(/\$(?:\{(\w+):-([^}]*)\}|.)/g)]
  const strange = all.find(match => match[1] === undefined)
  if (strange !== undefined) throw new TypeError(`Only \${NAME:-default} and $$ are read here, not ${strange[0]}…`)
  return all.map(([, name, fallback]) => ({ name: name!, fallback: fallback! }))
}

export function composeText(): string {
  return readFileSync(join(DEPLOY, 'compose.yaml'), 'utf8')
}

/** The file as Compose sees it with these variables: merged, interpolated. */
export function readCompose(env: Readonly<Record<string, string>> = {}): ComposeFile {
  const interpolated = composeText()
    .split('\n')
    // A comment may speak of anything.
    .map(line => (/^\s*#/.test(line) ? '' : line))
    .join('\n')
    .replace(/(?<!\$)\$\{(\w+):-([^}]*)\}/g, (_, name: string, fallback: string) => env[name] ?? fallback)
    .replaceAll('$$', '$')
  return parse(interpolated, { merge: true }) as ComposeFile // the schema's test checks it
}
