import type { Life, Step } from '../../../api/data.ts'
import { secondsText, timeText } from '../../parts/numbers.ts'
import { Table } from '../../parts/table.tsx'
import { hrefTo } from '../../router.ts'
import { type Bar, waterfallOf } from './waterfall.ts'

const STATES: Readonly<Record<string, { readonly mark: string; readonly tone: string; readonly words: string }>> = {
  done: { mark: '✓', tone: 'good', words: 'done' },
  dead: { mark: '✕', tone: 'bad', words: 'dead letter' },
  waiting: { mark: '○', tone: '', words: 'waits' },
  in_hand: { mark: '▶', tone: 'warn', words: 'in hand' },
}

/** When which agent had the datum and what came of it: how long it waited, and how long it took to handle and to store. */
export function WaterfallView({ life }: { readonly life: Life }) {
  const { fromMs, rows, lengthMs, tookMs, isOpen } = waterfallOf(life, Date.now())
  return (
    <section aria-labelledby="life">
      <h2 id="life">Life</h2>
      {rows.length === 0 ? (
        <p class="dim">Accepted at {timeText(life.accepted)}. No agent reads its topic.</p>
      ) : (
        <>
          <p class="dim">
            {secondsText(tookMs / 1_000)} {isOpen ? 'so far, and not over' : 'in all'}. <span class="key wait" aria-hidden="true" /> waits
            in the topic, <span class="key work" aria-hidden="true" /> handled and stored.
            {life.links.some(({ to }) => to === life.data_id) && ' What else became of its ancestors is on their pages.'}
          </p>
          <Table label="Who had it, when">
            <thead>
              <tr>
                <th scope="col">Agent</th>
                <th scope="col">of topic</th>
                <th scope="col">State</th>
                <th scope="col" class="number">
                  Waited
                </th>
                <th scope="col" class="number">
                  Took
                </th>
                <th scope="col" class="number">
                  Attempts
                </th>
                <th scope="col" class="bars">
                  {timeText(new Date(fromMs).toISOString())} → +{secondsText(lengthMs / 1_000)}
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ step, bars }) => (
                <StepRow key={`${step.agent} ${step.data_id}`} step={step} bars={bars} asked={life.data_id} />
              ))}
            </tbody>
          </Table>
        </>
      )}
    </section>
  )
}

function StepRow({ step, bars, asked }: { readonly step: Step; readonly bars: readonly Bar[]; readonly asked: string }) {
  const { mark, tone, words } = STATES[step.state] ?? { mark: '○', tone: '', words: step.state.replaceAll('_', ' ') }
  return (
    <tr>
      <th scope="row">
        <a href={hrefTo(['agents', step.agent.slice(0, step.agent.lastIndexOf('@'))])}>{step.agent}</a>
      </th>
      <td>{step.data_id === asked ? step.topic : <a href={hrefTo(['data', step.data_id])}>{step.topic}</a>}</td>
      <td>
        <span class={`tone ${tone}`}>
          <span aria-hidden="true">{mark} </span>
          {step.letter === null ? (
            words
          ) : (
            <a href={hrefTo(['dead-letters', String(step.letter)])}>
              {words} {step.letter}
            </a>
          )}
        </span>
        {step.reason !== null && <span class="dim"> {step.reason}</span>}
        {step.stored !== null && (
          <span class="dim">
            {' '}
            in <code>{step.stored.where}</code>
            {step.stored.row !== null && <>, row {step.stored.row}</>}
          </span>
        )}
      </td>
      <td class="number">{lengthText(step.waited_ms)}</td>
      <td class="number">{lengthText(step.took_ms)}</td>
      <td class="number">{step.attempts ?? '–'}</td>
      <td class="bars">
        <span class="track" aria-hidden="true">
          {bars.map(({ kind, from, to, open }) => (
            <span key={kind} class={open ? `${kind} open` : kind} style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }} />
          ))}
        </span>
      </td>
    </tr>
  )
}

function lengthText(ms: number | null): string {
  return secondsText(ms === null ? null : ms / 1_000)
}
