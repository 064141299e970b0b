import type { Producer, ProducersAnswer } from '../../../api/producers.ts'
import { useResource } from '../../live/resource.ts'
import { Box } from '../../parts/box.tsx'
import { Command } from '../../parts/command.tsx'
import { Facts } from '../../parts/facts.tsx'
import { countText, percentText, perSecondText } from '../../parts/numbers.ts'
import { Share } from '../../parts/share.tsx'
import { Empty, Show } from '../../parts/states.tsx'
import { Crumbs } from '../../parts/subnav.tsx'
import { When } from '../../parts/when.tsx'
import { hrefTo } from '../../router.ts'
import { funnelOf, storedText } from './funnel.ts'
import { NoFrontEnd } from './producers.tsx'

/** One producer: its funnel, why its data were rejected, and how far what it sent is stored. */
export function ProducerPage({ source }: { readonly source: string }) {
  const found = useResource<ProducersAnswer>('/v1/producers', 2_000)
  return (
    <>
      <Crumbs up={[{ parts: ['producers'], title: 'Producers' }]} title={source} />
      <h1>{source}</h1>
      <Show resource={found} what={source}>
        {({ front_end: hasFrontEnd, producers }) => {
          if (!hasFrontEnd) return <NoFrontEnd />
          const producer = producers.find(each => each.source === source)
          if (producer !== undefined) return <Shown producer={producer} />
          return (
            <Empty title={`${source} has not sent anything since this front end started`}>
              <p>Sources beyond the first 1,000 are counted together, as “(others)”.</p>
            </Empty>
          )
        }}
      </Show>
      <p>
        <Command text="millrace producers" />
      </p>
    </>
  )
}

function Shown({ producer }: { readonly producer: Producer }) {
  const refused = producer.refused_requests
  return (
    <>
      <Facts
        of={{
          Accepted: perSecondText(producer.accepted_per_second),
          'Last seen': producer.last_seen === null ? 'never' : <When at={producer.last_seen} />,
          'Requests refused whole': refused === 0 ? undefined : countText(refused),
          Keys: <a href={hrefTo(['producers', 'keys'])}>all keys</a>,
        }}
      />
      <Funnel producer={producer} />
      <Reasons producer={producer} />
    </>
  )
}

function Funnel({ producer }: { readonly producer: Producer }) {
  return (
    <section>
      <h2>What became of it</h2>
      <ol class="funnel">
        {funnelOf(producer).map(({ name, count, share, tone, means }) => (
          <li key={name}>
            <span>{name}</span>
            <Share of={share} tone={tone} label={means} />
            <span class="number">{countText(count)}</span>
            <span class="dim number">{percentText(share)}</span>
            <span class="dim">{means}</span>
          </li>
        ))}
      </ol>
      <h2>How far it is stored</h2>
      {producer.topics.length === 0 ? (
        <p class="dim">Nothing was accepted yet.</p>
      ) : (
        <ul class="bare">
          {producer.topics.map(({ topic, accepted, stores }) => (
            <li key={topic}>
              <a href={hrefTo(['topics', topic])}>{topic}</a>, {countText(accepted)} accepted
              {stores.length === 0 && <span class="dim">: no storage agent reads it</span>}
              {stores.map(store => (
                <span key={store.agent}>
                  {' '}
                  · <a href={hrefTo(['agents', store.agent.slice(0, store.agent.lastIndexOf('@'))])}>{store.agent}</a>{' '}
                  <span class="dim">{storedText(store, Date.now())}</span>
                </span>
              ))}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Reasons({ producer: { reasons } }: { readonly producer: Producer }) {
  if (reasons.length === 0) return null
  return (
    <section>
      <h2>Why data were rejected</h2>
      {reasons.map(({ reason, count, at, sample }) => (
        <article class="reason" key={reason}>
          <p>
            <span class="mark bad">{countText(count)}</span> {reason} <span class="dim">last</span> <When at={at} />
          </p>
          {sample === null ? <p class="dim">There is no sample: it could not be read as text.</p> : <Box text={sample} label="A sample" />}
        </article>
      ))}
    </section>
  )
}
