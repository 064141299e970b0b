import type { LedgerRow } from '../../../api/ledger.ts'
import { shownGroup } from '../../parts/agent-names.ts'

/** The ledger of one agent: its rows, and what they add up to. */
export interface AgentSum {
  readonly group: string
  /** The agent's name, without what marks a shadow. */
  readonly name: string
  /** "forecast@2 (shadow)". */
  readonly shown: string
  readonly given: number
  readonly done: number
  readonly dead: number
  readonly duplicate: number
  readonly lost: number
  readonly expired: number
  /** Of all rows, so that a gap of 1 and one of −1 are not none. */
  readonly gap: number
  readonly behind: number
  readonly rows: readonly LedgerRow[]
}

/** By agent, those with a gap first. */
export function sumsOf(rows: readonly LedgerRow[]): AgentSum[] {
  const sums = [...Map.groupBy(rows, ({ agent, version }) => `${agent}@${version}`)].map(([group, own]) => sumOf(group, own))
  return sums.sort((a, b) => Number(b.gap !== 0) - Number(a.gap !== 0))
}

function sumOf(group: string, rows: readonly LedgerRow[]): AgentSum {
  const sum = (of: (row: LedgerRow) => number) => rows.reduce((total, row) => total + of(row), 0)
  const { name, shown } = shownGroup(group)
  return {
    ...{ group, name, shown, rows },
    given: sum(row => row.committed - row.first),
    done: sum(row => row.done),
    dead: sum(row => row.dead),
    duplicate: sum(row => row.duplicate),
    lost: sum(row => row.lost),
    expired: sum(row => row.expired),
    gap: sum(row => Math.abs(row.gap)),
    behind: sum(row => row.behind),
  }
}
