import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

export const RULES = new URL('../../deploy/prometheus/rules.yml', import.meta.url)
export const RULES_TEST = new URL('../../deploy/prometheus/rules.test.yml', import.meta.url)
const DASHBOARD = new URL('../../deploy/grafana/millrace.json', import.meta.url)

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

export interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
}

export interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}

export function dashboard(): Dashboard {
  return JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard
}

export function rules(): readonly Rule[] {
  const { groups } = parse(readFileSync(RULES, 'utf8')) as { groups: readonly { rules: readonly Rule[] }[] }
  return groups.flatMap(group => group.rules)
}

/** What a dashboard asks, with a value for each of its variables. */
export function questions({ panels }: Dashboard): readonly string[] {
  return panels
    .flatMap(({ targets }) => targets ?? [])
    .map(({ expr }) => expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$(job|agent|topic)/g, '.*'))
}
