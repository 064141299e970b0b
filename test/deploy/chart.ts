import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'
import { installed } from '../../scripts/servers/cache.ts'

const CHART = resolve(import.meta.dirname, '../../deploy/helm/millrace')
const KUBERNETES = '1.35.4'

/** The values files that the chart is tested with; `defaults` is none. */
export const VALUES = ['defaults', 'spill', 'external-secrets', 'everything'] as const
/** One of these, or the path of another values file. */
export type Values = (typeof VALUES)[number] | `/${string}`

/** An object for Kubernetes, read member by member. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  // biome-ignore lint/suspicious/noExplicitAny: each kind has another one, and the API server checks it
  readonly spec?: any
  readonly data?: Readonly<Record<string, string>>
}

/** By what it was rendered from: many tests look at one text. */
const rendered = new Map<string, string>()

/** What `helm template` makes, as text. @throws with Helm's message where it refuses. */
export function renderText(values: Values, sets: readonly string[] = []): string {
  const args = ['template', 'grid', CHART, '--namespace', 'millrace', ...arguments_(values, sets)]
  const known = rendered.get(args.join(' '))
  if (known !== undefined) return known
  const text = helm(args)
  rendered.set(args.join(' '), text)
  return text
}

export function render(values: Values, sets: readonly string[] = []): Manifest[] {
  return (
    parseAllDocuments(renderText(values, sets))
      .map(document => document.toJS() as Manifest | null) // what the API server then checks
      // A template whose condition does not hold leaves an empty document.
      .filter(manifest => manifest !== null)
  )
}

/** What a person reads after an install. `helm template` leaves NOTES.txt out, so a copy of the chart renders it as a value. */
export function notes(values: Values, sets: readonly string[] = []): string {
  const copy = mkdtempSync(join(tmpdir(), 'millrace-chart-'))
  try {
    cpSync(CHART, copy, { recursive: true })
    renameSync(join(copy, 'templates/NOTES.txt'), join(copy, 'notes.txt'))
    writeFileSync(join(copy, 'templates/notes.yaml'), 'notes: {{ tpl (.Files.Get "notes.txt") . | toJson }}\n')
    const only = ['--show-only', 'templates/notes.yaml', '--namespace', 'millrace']
    return parse(helm(['template', 'grid', copy, ...only, ...arguments_(values, sets)])).notes
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

export function lint(values: Values): string {
  return helm(['lint', CHART, '--strict', ...arguments_(values, [])])
}

/** Why Helm refuses these values. @throws where it takes them. */
export function refusal(values: Values, sets: readonly string[]): string {
  const { status, stderr } = spawnSync(installed('helm'), ['template', 'grid', CHART, ...arguments_(values, sets)], { encoding: 'utf8' })
  if (status === 0) throw new Error(`Helm takes ${sets.join(' ')}`)
  return stderr
}

/** A file of the chart. */
export function chartFile(name: string): string {
  return readFileSync(join(CHART, name), 'utf8')
}

function arguments_(values: Values, sets: readonly string[]): string[] {
  const path = values.startsWith('/') ? values : join(import.meta.dirname, 'values', `${values}.yaml`)
  const file = values === 'defaults' ? [] : ['--values', path]
  return ['--kube-version', KUBERNETES, ...file, ...sets.flatMap(set => ['--set-json', set])]
}

function helm(args: readonly string[]): string {
  return execFileSync(installed('helm'), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
