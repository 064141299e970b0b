import type { Producer, ProducersAnswer } from '../../../api/producers.ts'
import { useResource } from '../../live/resource.ts'
import { agoText } from '../../parts/ago.ts'
import { Command } from '../../parts/command.tsx'
import { Field } from '../../parts/field.tsx'
import { FirstDatum } from '../../parts/first-datum.tsx'
import { countText, perSecondText } from '../../parts/numbers.ts'
import { Empty, Show } from '../../parts/states.tsx'
import { Columns, Table } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { hrefTo, query, setQuery } from '../../router.ts'
import { FunnelBar } from './funnel-bar.tsx'

/** As many rows as are worth scrolling through; a source is found by its name. */
const MOST_ROWS = 200

/** The producers of this front end since it started, the busiest first. */
export function ProducersView() {
  const found = useResource<ProducersAnswer>('/v1/producers', 2_000)
  return (
    <>
      <Show resource={found} what="the producers">
        {answer => {
          if (!answer.front_end) return <NoFrontEnd />
          return answer.producers.length === 0 ? <NobodyYet since={answer.since} /> : <Producers answer={answer} />
        }}
      </Show>
      <p>
        <Command text="millrace producers" />
      </p>
    </>
  )
}

export function NoFrontEnd() {
  return (
    <Empty title="This process has no front end">
      <p>Who sent what to a front end is known to that one alone: look at the console of a process with the role frontend.</p>
    </Empty>
  )
}

function NobodyYet({ since }: { readonly since: string }) {
  return (
    <Empty title="Nobody has sent anything yet">
      <p>
        This front end started <When at={since} />.
      </p>
      <FirstDatum />
    </Empty>
  )
}

function Producers({ answer: { producers, since } }: { readonly answer: ProducersAnswer }) {
  const matching = (query.value.get('source') ?? '').trim()
  const matched = producers.filter(({ source }) => source.toLowerCase().includes(matching.toLowerCase()))
  const shown = matched.slice(0, MOST_ROWS)
  return (
    <>
      <search class="filter">
        <Field label="Source contains">
          <input type="search" value={matching} placeholder="any" onInput={event => setQuery({ source: event.currentTarget.value })} />
        </Field>
        <p class="dim">
          {countText(matched.length)} {matched.length === 1 ? 'producer' : 'producers'}
          {matched.length > shown.length && `, the ${countText(shown.length)} busiest shown`}, since this front end started{' '}
          {agoText(Date.now() - Date.parse(since))}
        </p>
      </search>
      {matched.length === 0 ? (
        <Empty title={`No source has “${matching}” in its name`} />
      ) : (
        <Table label="Producers">
          <Columns
            of={[
              'Source',
              'What became of it',
              { number: 'Received' },
              { number: 'Rejected' },
              { number: 'Again' },
              { number: 'Duplicate' },
              { number: 'Accepted' },
              { number: 'Rate' },
              'Last seen',
            ]}
          />
          <tbody>
            {shown.map(producer => (
              <Row key={producer.source} producer={producer} />
            ))}
          </tbody>
        </Table>
      )}
    </>
  )
}

function Row({ producer }: { readonly producer: Producer }) {
  const { source, received, rejected, retry, duplicate, accepted } = producer
  return (
    <tr>
      <td class="wide">
        <a href={hrefTo(['producers', 'source', source])}>{source}</a>
      </td>
      <td>
        <FunnelBar producer={producer} />
      </td>
      <td class="number">{countText(received)}</td>
      <td class="number">{rejected === 0 ? '0' : <span class="mark bad">{countText(rejected)}</span>}</td>
      <td class="number">{countText(retry)}</td>
      <td class="number">{countText(duplicate)}</td>
      <td class="number">{countText(accepted)}</td>
      <td class="number">{perSecondText(producer.accepted_per_second)}</td>
      <td class="nowrap">{producer.last_seen === null ? '–' : agoText(Date.now() - Date.parse(producer.last_seen))}</td>
    </tr>
  )
}
