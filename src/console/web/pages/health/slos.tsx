import type { Canary, Slo } from '../../../api/health.ts'
import { agoText } from '../../parts/ago.ts'
import { Command } from '../../parts/command.tsx'
import { countText, percentText, secondsText } from '../../parts/numbers.ts'
import { Share } from '../../parts/share.tsx'
import { Columns, Table } from '../../parts/table.tsx'
import { burnWords } from './burn.ts'

/** What the pipeline promises along its paths, and how much of the error budget is left. */
export function Slos({ slos }: { readonly slos: readonly Slo[] }) {
  return (
    <section>
      <h2>Objectives</h2>
      {slos.length === 0 ? (
        <p class="dim">
          The pipeline promises nothing yet. In its file:{' '}
          <code>{"slo: [{ from: demand, to: 'dispatch', within: '2s', share: 0.99 }]"}</code>
        </p>
      ) : (
        <Table label="Objectives">
          <Columns
            of={[
              'Path',
              'Objective',
              { number: 'Kept, last hour' },
              { number: 'p50' },
              { number: 'p99' },
              { number: 'Burn 5 min' },
              { number: 'Burn 1 h' },
              'Budget left',
            ]}
          />
          <tbody>
            {slos.map(slo => (
              <SloRow key={slo.name} slo={slo} />
            ))}
          </tbody>
        </Table>
      )}
      <p>
        <Command text="millrace slo" />
      </p>
    </section>
  )
}

function SloRow({ slo }: { readonly slo: Slo }) {
  const left = slo.budget_left
  const tone = slo.missed || (left !== null && left <= 0) ? 'bad' : left !== null && left < 0.25 ? 'warn' : 'good'
  return (
    <tr>
      <td class="nowrap">
        {slo.from} → {slo.to} {slo.missed && <span class="mark bad">missed</span>}
      </td>
      <td class="nowrap">
        {percentText(slo.share)} within {secondsText(slo.within_seconds)}
      </td>
      <td class="number">{percentText(slo.good_share)}</td>
      <td class="number">{secondsText(slo.p50_seconds)}</td>
      <td class="number">{secondsText(slo.p99_seconds)}</td>
      <td class="number" title={burnWords(slo.burn.five_minutes)}>
        {rateText(slo.burn.five_minutes)}
      </td>
      <td class="number" title={burnWords(slo.burn.hour)}>
        {rateText(slo.burn.hour)}
      </td>
      <td class="nowrap">
        {left === null ? (
          <span class="dim">no datum yet</span>
        ) : (
          <>
            <Share of={left} tone={tone} label={`${percentText(left)} of the error budget is left`} />{' '}
            {left < 0 ? 'overdrawn' : percentText(left)}
          </>
        )}
      </td>
    </tr>
  )
}

function rateText(rate: number | null): string {
  return rate === null ? '–' : `${countText(rate)}×`
}

/** Marked data that go along every path, and show that each is open from end to end. */
export function Canaries({ canaries }: { readonly canaries: readonly Canary[] }) {
  return (
    <section>
      <h2>Canaries</h2>
      {canaries.length === 0 ? (
        <p class="dim">
          None is sent. In the pipeline’s file: <code>canary: '10s'</code>
        </p>
      ) : (
        <Table label="Canaries">
          <Columns of={['Path', 'State', { number: 'End to end' }, 'Last arrived']} />
          <tbody>
            {canaries.map(canary => (
              <tr key={canary.path}>
                <td class="wide">{canary.path}</td>
                <td>
                  <span class={`mark ${canary.overdue ? 'bad' : canary.last === null ? '' : 'good'}`}>
                    {canary.overdue ? 'overdue' : canary.last === null ? 'under way' : 'arrives'}
                  </span>
                </td>
                <td class="number">{secondsText(canary.seconds)}</td>
                <td class="nowrap">{canary.last === null ? 'not yet' : agoText(Date.now() - Date.parse(canary.last))}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
    </section>
  )
}
