import { agentOf, type EngineView, type Standing } from '../engine/engine.ts'
import { CANARY_TOPIC } from '../objectives/canary.ts'
import { isOver, type Versions } from '../versions/fold.ts'
import { withGatherers } from '../versions/gatherers.ts'
import { VersionLog } from '../versions/log.ts'

/**
 * The conservation ledger: what an agent was given in a partition and what became of it. It balances where
 * committed − first = done + dead + duplicate + lost; the rest of the partition is in flight or behind.
 */
export interface Ledger {
  /** Every row's gap is 0. */
  readonly balanced: boolean
  readonly atMs: number
  readonly rows: readonly LedgerRow[]
}

export interface LedgerRow {
  /** The agent@version. */
  readonly group: string
  readonly name: string
  readonly version: number
  readonly topic: string
  readonly partition: number
  /** Where the agent began. */
  readonly first: number
  /** Its committed offset: everything below it is finished. */
  readonly committed: number
  readonly done: number
  readonly dead: number
  readonly duplicate: number
  /** Expired before it was handled. */
  readonly lost: number
  /** (committed − first) − (done + dead + duplicate + lost). 0, or something is wrong. */
  readonly gap: number
  /** Data between the committed offset and the partition's end: in flight, waiting, or expired and not counted yet. */
  readonly behind: number
  /** Of those, what retention has deleted already: they will be counted as lost. */
  readonly expired: number
  /** Age of the oldest datum that is not committed. 0 at the end. */
  readonly lagMs: number
  /** A roll that has begun. */
  readonly rolling?: { readonly first: number; readonly end: number }
  /** The agent@version that took this place over; the row no longer moves. */
  readonly replacedBy?: string
  /** The agent was decommissioned, or was a shadow that is live now: its place is kept, and nobody waits for it. */
  readonly over?: true
}

/** Reads the ledger as it stands now. */
export async function readLedger(view: Pick<EngineView, 'standings' | 'read' | 'topics' | 'bounds'>, nowMs: number): Promise<Ledger> {
  const { ended } = await new VersionLog(view).read()
  const standings = await view.standings()
  return ledgerOf(standings, nowMs, withGatherers(ended, standings))
}

/** @param ended what was decided about groups that have no successor. */
export function ledgerOf(standings: readonly Standing[], nowMs: number, ended: Versions['ended'] = new Map()): Ledger {
  const rows = standings
    // Canaries are no data.
    .filter(({ topic }) => topic !== CANARY_TOPIC.name)
    .map(standing => rowOf(standing, nowMs, isOver(ended, standing.group)))
    .sort((a, b) => a.name.localeCompare(b.name) || a.version - b.version || a.topic.localeCompare(b.topic) || a.partition - b.partition)
  return { balanced: rows.every(row => row.gap === 0), atMs: nowMs, rows }
}

function rowOf(standing: Standing, nowMs: number, isEnded: boolean): LedgerRow {
  const { checkpoint: at, replacedBy } = standing
  // A place that was taken over has nothing before it: its successor carries the rest. One that was given up waits for nothing.
  const over = replacedBy !== undefined || isEnded
  return {
    group: standing.group,
    ...agentOf(standing.group),
    topic: standing.topic,
    partition: standing.partition,
    first: at.first,
    committed: at.offset,
    done: at.done,
    dead: at.dead,
    duplicate: at.duplicate,
    lost: at.lost,
    gap: at.offset - at.first - (at.done + at.dead + at.duplicate + at.lost),
    behind: over ? 0 : Math.max(0, standing.next - at.offset),
    expired: over ? 0 : Math.max(0, Math.min(standing.first, standing.next) - at.offset),
    lagMs: over || standing.oldestPendingMs === undefined ? 0 : Math.max(0, nowMs - standing.oldestPendingMs),
    ...(at.intent === undefined ? {} : { rolling: at.intent }),
    ...(replacedBy === undefined ? {} : { replacedBy }),
    ...(isEnded ? { over: true } : {}),
  }
}

/** The ledger as it goes over a wire. */
export function ledgerToJson(ledger: Ledger): Record<string, unknown> {
  return {
    balanced: ledger.balanced,
    at: new Date(ledger.atMs).toISOString(),
    rows: ledger.rows.map(row => ({
      agent: row.name,
      version: row.version,
      topic: row.topic,
      partition: row.partition,
      first: row.first,
      committed: row.committed,
      done: row.done,
      dead: row.dead,
      duplicate: row.duplicate,
      lost: row.lost,
      gap: row.gap,
      behind: row.behind,
      expired: row.expired,
      lag_seconds: row.lagMs / 1_000,
      ...(row.rolling === undefined ? {} : { rolling: row.rolling }),
      ...(row.replacedBy === undefined ? {} : { replaced_by: row.replacedBy }),
    })),
  }
}
