import type { AgentAnswer } from '../../../api/agents.ts'
import { shownGroup } from '../../parts/agent-names.ts'
import { agoText } from '../../parts/ago.ts'
import { Chart } from '../../parts/chart.tsx'
import { Facts } from '../../parts/facts.tsx'
import { countText, percentText, perSecondText, secondsText, timeText } from '../../parts/numbers.ts'
import { hrefTo } from '../../router.ts'
import { VersionActions } from './actions.tsx'
import { lagOf, lagText, toneOf } from './conditions.ts'

export type Version = AgentAnswer['versions'][number]

/** One version of an agent. Every card has the same parts at the same height as far as can be, so that versions are read across. */
export function VersionCard({ of: version, groups, reload }: { readonly of: Version; readonly groups: readonly string[]; reload(): void }) {
  const { group, diagnosis } = version
  const { tone, word } = toneOf(version)
  const isWell = diagnosis === undefined || diagnosis === null || diagnosis.state === 'healthy'
  return (
    <article class="card one-version" aria-label={shownGroup(group).shown}>
      <h2>
        {shownGroup(group).shown} <span class={`mark ${tone}`}>{word}</span>
      </h2>
      <p class={isWell ? 'dim' : `tone ${tone}`}>{isWell ? roleText(version) : diagnosis.words}</p>
      <VersionActions of={version} groups={groups} reload={reload} />
      <Numbers of={version} />
      <Chart title="Rate" series={`agent ${group} handled`} text={perSecondText} />
      <Chart title="p99 in the handler" series={`agent ${group} p99_ms`} text={ms => secondsText(ms / 1_000)} />
      <InHand of={version} />
      <Errors of={version} />
      <Log of={version} />
    </article>
  )
}

function roleText({ shadow, ramp, replaces, store, kind }: Version): string {
  if (shadow) return 'Runs beside the live version; its outputs go to topics of its own.'
  if (ramp !== undefined && ramp !== null)
    return `Gets ${percentText(ramp)} of the keys of version ${replaces ?? '?'}, at that one’s place.`
  if (kind === 'storage-agent') return `Stores to ${store}.`
  return replaces === null ? 'Live.' : `Live; it took over from version ${replaces}.`
}

function Numbers({ of: version }: { readonly of: Version }) {
  const { handler_seconds: took, replicas } = version
  const dead = countText(version.dead)
  return (
    <Facts
      of={{
        Rate: perSecondText(version.handled_per_second),
        Outputs: version.kind === 'storage-agent' ? undefined : perSecondText(version.outputs_per_second),
        'p50 / p99': `${secondsText(took.p50 ?? null)} / ${secondsText(took.p99 ?? null)}`,
        Errors: perSecondText(version.dead_per_second),
        'Dead letters':
          version.dead === 0 ? '0' : <a href={hrefTo(['dead-letters'], { agent: `${agentTyped(version)}@${version.version}` })}>{dead}</a>,
        Done: countText(version.done),
        Lag: lagText(lagOf(version), { count: countText, seconds: secondsText }),
        Busy: percentText(version.busy),
        Replicas:
          replicas === undefined || replicas === null
            ? undefined
            : `${replicas.threads} of ${replicas.wanted} ${replicas.of}${replicas.restarts === 0 ? '' : `, ${countText(replicas.restarts)} restarts`}`,
        Reads: (
          <>
            {readTopics(version).map((topic, index) => (
              <span key={topic}>
                {index > 0 && ', '}
                <a href={hrefTo(['topics', topic])}>{topic}</a>
              </span>
            ))}
          </>
        ),
        Writes: version.to.length === 0 ? undefined : version.to.map(({ name }) => name).join(', '),
      }}
    />
  )
}

/** A replay topic is a lane of its own, and no topic that one would look at. */
function readTopics({ from }: Version): string[] {
  return Object.keys(from).filter(topic => !topic.startsWith('_replay.'))
}

/** Dead letters of a shadow are under the name that it has in the engine. */
function agentTyped({ group }: Version): string {
  return group.slice(0, group.lastIndexOf('@'))
}

function InHand({ of: { in_hand: inHand } }: { readonly of: Version }) {
  return (
    <section>
      <h3>In hand</h3>
      {inHand.length === 0 ? (
        <p class="dim">Nothing now.</p>
      ) : (
        <ul class="bare">
          {inHand.map(({ replica, count, since }) => (
            <li key={replica}>
              Replica {replica}: {countText(count)} {count === 1 ? 'datum' : 'data'}, the oldest since{' '}
              {agoText(Date.now() - Date.parse(since))}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Errors({ of: { errors } }: { readonly of: Version }) {
  return (
    <section>
      <h3>Last errors</h3>
      {errors.length === 0 ? (
        <p class="dim">None.</p>
      ) : (
        <ul class="bare lines">
          {errors.map(({ at, letter, message }) => (
            <li key={letter}>
              <a href={hrefTo(['dead-letters', String(letter)])}>{letter}</a> <span class="dim">{timeText(at)}</span> {message}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Log({ of: { log } }: { readonly of: Version }) {
  return (
    <section>
      <h3>Log</h3>
      {log.length === 0 ? (
        <p class="dim">It has said nothing in this process.</p>
      ) : (
        // A list that scrolls and has no links in it must take the focus (WCAG 2.1.1).
        // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
        <ul class="bare lines" tabIndex={0} aria-label="Log">
          {log.toReversed().map(({ at, level, text }, index) => (
            <li key={`${at} ${log.length - index}`}>
              <span class="dim">{timeText(at)}</span>{' '}
              {level !== 'info' && <span class={`mark ${level === 'error' ? 'bad' : 'warn'}`}>{level}</span>} {text}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
