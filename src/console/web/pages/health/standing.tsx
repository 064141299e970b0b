import type { AdviceAnswer } from '../../../api/advice.ts'
import type { HealthAnswer } from '../../../api/health.ts'
import { useResource } from '../../live/resource.ts'
import { Facts, Figure } from '../../parts/facts.tsx'
import { bytesText, countText, percentText } from '../../parts/numbers.ts'
import { Show } from '../../parts/states.tsx'
import { When } from '../../parts/when.tsx'
import { hrefTo } from '../../router.ts'
import { decisionWords } from './advice-words.ts'
import { Canaries, Slos } from './slos.tsx'

const LOOP_FULL = 0.9
const DISK_LOW_BYTES = 1_000_000_000

/** How this process is now: ready or why not, whether the ledger adds up, what is promised and kept, what it runs on. */
export function StandingView() {
  const found = useResource<HealthAnswer>('/v1/health', 2_000)
  return (
    <Show resource={found} what="health">
      {health => (
        <>
          <Figures health={health} />
          <Advised />
          <Parts health={health} />
          <Slos slos={health.slos} />
          <Canaries canaries={health.canaries} />
          <RunsOn health={health} />
        </>
      )}
    </Show>
  )
}

function Figures({ health: { ready, parts, ledger, slos, process, engine } }: { readonly health: HealthAnswer }) {
  const down = parts.filter(({ ok }) => !ok).length
  const missed = slos.filter(slo => slo.missed).length
  const { disk_bytes: used, disk_free_bytes: free } = engine
  return (
    <div class="figures">
      <Figure
        name="Ready"
        tone={ready ? 'good' : 'bad'}
        note={ready ? `${parts.length} parts are up` : `${down} of ${parts.length} parts are down`}
      >
        {ready ? 'yes' : 'no'}
      </Figure>
      <Figure
        name="Ledger"
        tone={!ledger.balanced ? 'bad' : ledger.lost > 0 ? 'warn' : 'good'}
        note={
          <a href={hrefTo(['health', 'ledger'])}>
            {ledger.lost > 0 ? `${countText(ledger.lost)} lost to retention` : 'by agent and partition'}
          </a>
        }
      >
        {ledger.balanced ? 'balanced' : `${countText(ledger.gaps)} ${ledger.gaps === 1 ? 'gap' : 'gaps'}`}
      </Figure>
      {slos.length > 0 && (
        <Figure name="Objectives" tone={missed > 0 ? 'bad' : 'good'} note={`of ${slos.length}`}>
          {missed > 0 ? `${missed} missed` : 'all kept'}
        </Figure>
      )}
      <Figure name="Main thread" tone={process.event_loop > LOOP_FULL ? 'warn' : ''} note="of the time at work">
        {percentText(process.event_loop)}
      </Figure>
      <Figure name="Processors" note="cores in use">
        {countText(process.cpu)}
      </Figure>
      <Figure name="Memory" note="of this process">
        {bytesText(process.memory_bytes)}
      </Figure>
      {free !== null && (
        <Figure
          name="Disk free"
          tone={free < DISK_LOW_BYTES ? 'bad' : ''}
          note={used === null ? undefined : `${bytesText(used)} used by the data`}
        >
          {bytesText(free)}
        </Figure>
      )}
    </div>
  )
}

/** Advice in a line each; all of it has a view of its own. */
function Advised() {
  const { answer } = useResource<AdviceAnswer>('/v1/advice', 5_000)
  if (answer === undefined || answer.advice.length === 0) return null
  return (
    <section>
      <h2>Advice</h2>
      <ul class="bare">
        {answer.advice.map(({ about, cause, decision, words }) => (
          <li key={`${about} ${cause}`}>
            <span class={`mark ${decision === 'wait' ? '' : 'warn'}`}>{decisionWords(decision)}</span> {words}
          </li>
        ))}
      </ul>
      <p>
        <a href={hrefTo(['health', 'advice'])}>The arithmetic, and what to type</a>
      </p>
    </section>
  )
}

function Parts({ health: { parts } }: { readonly health: HealthAnswer }) {
  const sorted = parts.toSorted((a, b) => Number(a.ok) - Number(b.ok))
  return (
    <section>
      <h2>Parts</h2>
      <ul class="chips">
        {sorted.map(({ part, ok, reason }) => (
          <li key={part}>
            <span class={`mark ${ok ? 'good' : 'bad'}`}>{ok ? 'up' : 'down'}</span> {part}{' '}
            {reason !== null && <span class="dim">{reason}</span>}
          </li>
        ))}
      </ul>
    </section>
  )
}

function RunsOn({ health: { engine, process } }: { readonly health: HealthAnswer }) {
  return (
    <section>
      <h2>What it runs on</h2>
      <Facts
        of={{
          Stream: engine.stream,
          Trace: engine.trace,
          Started: <When at={process.started} />,
          Millrace: process.version,
        }}
      />
    </section>
  )
}
