import type { LedgerAnswer, LedgerRow } from '../../../api/ledger.ts'
import { useResource } from '../../live/resource.ts'
import { Command } from '../../parts/command.tsx'
import { countText, secondsText } from '../../parts/numbers.ts'
import { Empty, Show } from '../../parts/states.tsx'
import { Columns, Table } from '../../parts/table.tsx'
import { hrefTo } from '../../router.ts'
import { type AgentSum, sumsOf } from './ledger-sums.ts'

/** Nothing lost, nothing twice, added up: committed − first = done + dead + duplicate + lost, for each agent and partition. */
export function LedgerView() {
  const found = useResource<LedgerAnswer>('/v1/ledger', 5_000)
  return (
    <>
      <Show resource={found} what="the ledger">
        {ledger => (ledger.rows.length === 0 ? <Empty title="No agent has a place in a topic yet" /> : <Ledger ledger={ledger} />)}
      </Show>
      <p>
        <Command text="millrace ledger" />
      </p>
    </>
  )
}

function Ledger({ ledger: { balanced, rows } }: { readonly ledger: LedgerAnswer }) {
  const sums = sumsOf(rows)
  const gaps = sums.filter(({ gap }) => gap !== 0)
  return (
    <>
      <p class={`note ${balanced ? 'good' : 'bad'}`}>
        {balanced ? (
          <>
            <strong>Balanced.</strong> Whatever an agent was given is done, in its dead letters, a duplicate, or counted as lost.
          </>
        ) : (
          <>
            <strong>Not balanced:</strong> {gaps.map(({ shown, gap }) => `${shown} has a gap of ${countText(gap)}`).join('; ')}. Stop the
            pipeline and keep its data directory as it is: this is a fault of Millrace.
          </>
        )}
      </p>
      {sums.map(sum => (
        <AgentLedger key={sum.group} sum={sum} />
      ))}
    </>
  )
}

function AgentLedger({ sum }: { readonly sum: AgentSum }) {
  const hasGap = sum.gap !== 0
  return (
    <details class="ledger" open={hasGap}>
      <summary>
        <strong>{sum.shown}</strong> {hasGap && <span class="mark bad">gap of {countText(sum.gap)}</span>}{' '}
        {sum.lost + sum.expired > 0 && <span class="mark warn">{countText(sum.lost + sum.expired)} lost</span>}{' '}
        <span class="dim">
          {countText(sum.given)} = {countText(sum.done)} done + {countText(sum.dead)} dead + {countText(sum.duplicate)} duplicate +{' '}
          {countText(sum.lost)} lost{sum.behind > 0 ? `; ${countText(sum.behind)} to come` : ''}
        </span>
      </summary>
      <Table label={`The ledger of ${sum.shown}`}>
        <Columns
          of={[
            'Topic',
            { number: 'Partition' },
            { number: 'First' },
            { number: 'Committed' },
            { number: 'Done' },
            { number: 'Dead' },
            { number: 'Duplicate' },
            { number: 'Lost' },
            { number: 'Gap' },
            { number: 'Behind' },
            { number: 'Oldest waits' },
          ]}
        />
        <tbody>
          {sum.rows.map(row => (
            <Row key={`${row.topic} ${row.partition}`} row={row} />
          ))}
        </tbody>
      </Table>
      <p>
        <a href={hrefTo(['agents', sum.name])}>Look at {sum.name}</a>
      </p>
    </details>
  )
}

function Row({ row }: { readonly row: LedgerRow }) {
  const { gap, behind } = row
  return (
    <tr>
      <td class="wide">
        {row.topic}
        {row.replaced_by !== undefined && <span class="dim"> (place taken over by {row.replaced_by})</span>}
        {row.rolling !== undefined && (
          <span class="dim">
            {' '}
            (rolling {countText(row.rolling.first)} to {countText(row.rolling.end)})
          </span>
        )}
      </td>
      <td class="number">{row.partition}</td>
      <td class="number">{countText(row.first)}</td>
      <td class="number">{countText(row.committed)}</td>
      <td class="number">{countText(row.done)}</td>
      <td class="number">{countText(row.dead)}</td>
      <td class="number">{countText(row.duplicate)}</td>
      <td class="number">{countText(row.lost + row.expired)}</td>
      <td class="number">{gap === 0 ? '0' : <span class="mark bad">{countText(gap)}</span>}</td>
      <td class="number">{countText(behind)}</td>
      <td class="number">{behind === 0 ? '–' : secondsText(row.lag_seconds)}</td>
    </tr>
  )
}
