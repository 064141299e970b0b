import { overview } from '../../live/overview.ts'
import { Command } from '../../parts/command.tsx'
import { FirstDatum } from '../../parts/first-datum.tsx'
import { countText, perSecondText } from '../../parts/numbers.ts'
import { hrefTo } from '../../router.ts'
import { endId, hasEnded } from './graph.ts'
import { flowHref, showsEnded, view } from './shape.ts'
import { MARKS, toneOf, wordsOf } from './standing.ts'

const SHOWN = 3

/** What one wants to know before looking at the graph: how much comes in, what needs a person, and which agents are not well and why. */
export function Summary() {
  const now = overview.value
  if (now === undefined) return null
  const ended = showsEnded.value
  const unwell = Object.entries(now.agents).filter(([, agent]) => ['warn', 'bad'].includes(toneOf(agent)))
  const past = Object.values(now.agents).filter(hasEnded).length
  const isUnused = Object.values(now.topics).every(({ retained }) => retained === 0) && now.front_end.accepted_per_second === 0
  return (
    <div class="summary">
      <div class="row">
        <h1>Flow</h1>
        <span class="mark">{perSecondText(now.front_end.accepted_per_second)} accepted</span>
        {now.front_end.rejected_per_second > 0 && (
          <a class="mark warn" href={hrefTo(['producers'])}>
            {perSecondText(now.front_end.rejected_per_second)} rejected
          </a>
        )}
        <Wants count={now.dead_letters} one="dead letter" many="dead letters" href={hrefTo(['dead-letters'])} />
        <Wants count={now.advice} one="piece of advice" many="pieces of advice" href={hrefTo(['health'])} />
        <Wants count={now.slos_missed} one="objective missed" many="objectives missed" href={hrefTo(['health'])} />
        <span class="spacer" />
        {past > 0 && (
          <a href={flowHref([], { ended: ended ? '' : 'shown' })}>
            {ended ? 'Hide versions that have ended' : `Show ${countText(past)} that ${past === 1 ? 'has' : 'have'} ended`}
          </a>
        )}
        <nav aria-label="How the flow is shown" class="choice">
          <a href={flowHref([], { view: '' })} aria-current={view.value === 'graph'}>
            Graph
          </a>
          <a href={flowHref([], { view: 'table' })} aria-current={view.value === 'table'}>
            Table
          </a>
        </nav>
        <Command text="millrace top" />
      </div>
      {isUnused && <FirstDatum />}
      {unwell.length > 0 && (
        <ul class="unwell">
          {unwell.slice(0, SHOWN).map(([group, agent]) => (
            <li key={group}>
              <span class={`mark ${toneOf(agent)}`}>
                <span aria-hidden="true">{MARKS[toneOf(agent)]} </span>
                <a href={flowHref([endId({ box: '', group })])}>{group}</a> {wordsOf(agent)}
              </span>
            </li>
          ))}
          {unwell.length > SHOWN && (
            <li>
              <a href={flowHref([], { view: 'table' })}>and {countText(unwell.length - SHOWN)} more</a>
            </li>
          )}
        </ul>
      )}
    </div>
  )
}

function Wants({ count, one, many, href }: { readonly count: number; readonly one: string; readonly many: string; readonly href: string }) {
  if (count === 0) return null
  return (
    <a class="mark warn" href={href}>
      {countText(count)} {count === 1 ? one : many}
    </a>
  )
}
