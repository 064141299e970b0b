import type { TopicAnswer } from '../../../api/topics.ts'
import { overview } from '../../live/overview.ts'
import { useResource } from '../../live/resource.ts'
import { Box } from '../../parts/box.tsx'
import { Chart } from '../../parts/chart.tsx'
import { Command } from '../../parts/command.tsx'
import { Facts } from '../../parts/facts.tsx'
import { bytesText, countText, percentText, perSecondText, secondsText } from '../../parts/numbers.ts'
import { Share } from '../../parts/share.tsx'
import { Show } from '../../parts/states.tsx'
import { Crumbs } from '../../parts/subnav.tsx'
import { Columns, Table } from '../../parts/table.tsx'
import { hrefTo } from '../../router.ts'
import { readersOf } from './readers.ts'
import { skewOf } from './skew.ts'
import { TopicTail } from './topic-tail.tsx'

const EVERY_MS = 5_000
const SHOWN_KEYS = 10

/** One topic: how much comes in and how it is spread, who reads it and how far they are, and what comes in now. */
export function TopicPage({ topic }: { readonly topic: string }) {
  const resource = useResource<TopicAnswer>(`/v1/topics/${encodeURIComponent(topic)}`, EVERY_MS)
  return (
    <div class="topic-page">
      <Crumbs up={[{ parts: ['topics'], title: 'Topics' }]} title={topic} />
      <div class="headline">
        <h1>{topic}</h1>
        <p class="row">
          <a href={hrefTo(['flow', `topic:${topic}`])}>In the flow</a>
          <a href={hrefTo(['data'], { topic })}>Search its data</a>
          <Command text="millrace topics" />
        </p>
      </div>
      <Show resource={resource} what={`the topic ${topic}`}>
        {answer => (
          <div class="columns">
            <div>
              <Standing answer={answer} />
              <Partitions partitions={answer.partitions} />
              <Keys answer={answer} />
              <Readers topic={topic} />
              <Schema answer={answer} />
            </div>
            <TopicTail topic={topic} />
          </div>
        )}
      </Show>
    </div>
  )
}

function Standing({ answer }: { readonly answer: TopicAnswer }) {
  const held = answer.partitions.reduce((sum, { first, next }) => sum + next - first, 0)
  const bytes = answer.retention_bytes
  return (
    <>
      <Facts
        of={{
          In: perSecondText(answer.in_per_second),
          Held: `${countText(held)} data`,
          Kept: answer.retention_seconds === null ? 'whatever its age' : secondsText(answer.retention_seconds),
          'At most': bytes === null ? undefined : bytesText(bytes),
          Order: answer.keyed ? 'by key: the same key, the same partition' : 'by data_id',
          From: answer.entry ? <a href={hrefTo(['producers'])}>producers</a> : answer.written_by.join(', '),
        }}
      />
      <Chart title="In" series={`topic ${answer.topic} in`} text={perSecondText} />
    </>
  )
}

function Partitions({ partitions }: Pick<TopicAnswer, 'partitions'>) {
  const most = Math.max(...partitions.map(({ in_per_second }) => in_per_second))
  const { words, hot } = skewOf(partitions)
  return (
    <section aria-labelledby="partitions">
      <h2 id="partitions">Partitions</h2>
      {words !== '' && <p class={hot ? 'note warn' : 'dim'}>{hot ? `▲ ${words} More replicas do not help a hot partition.` : words}</p>}
      <Table label="Each partition">
        <Columns of={[{ number: 'Partition' }, { number: 'In' }, null, { number: 'Held' }, { number: 'Offsets' }]} />
        <tbody>
          {partitions.map(({ partition, first, next, in_per_second }) => (
            <tr key={partition}>
              <th scope="row" class="number">
                {partition}
              </th>
              <td class="number">{perSecondText(in_per_second)}</td>
              <td>
                <Share of={most === 0 ? 0 : in_per_second / most} label={perSecondText(in_per_second)} />
              </td>
              <td class="number">{countText(next - first)}</td>
              <td class="number">
                {countText(first)} … {countText(next)}
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </section>
  )
}

function Keys({ answer: { topic, keyed, keys } }: { readonly answer: TopicAnswer }) {
  if (!keyed || keys.sampled === 0) return null
  return (
    <section aria-labelledby="keys">
      <h2 id="keys">Keys</h2>
      <p class="dim">
        {keys.distinct === 1 ? 'One key' : `${countText(keys.distinct)} different ones`} in the newest {countText(keys.sampled)} data; the
        busiest:
      </p>
      <Table label="The busiest keys">
        <Columns of={['Key', { number: 'Partition' }, { number: 'Share' }, null]} />
        <tbody>
          {keys.top.slice(0, SHOWN_KEYS).map(({ key, partition, share }) => (
            <tr key={key}>
              <th scope="row">
                <a href={hrefTo(['data'], { topic, key })}>{key}</a>
              </th>
              <td class="number">{partition}</td>
              <td class="number">{percentText(share)}</td>
              <td>
                <Share of={share} label={percentText(share)} />
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </section>
  )
}

function Readers({ topic }: { readonly topic: string }) {
  const now = overview.value
  const readers = now === undefined ? [] : readersOf(topic, now).readers
  return (
    <section aria-labelledby="readers">
      <h2 id="readers">Read by</h2>
      {readers.length === 0 ? (
        <p class="dim">No agent of this pipeline.</p>
      ) : (
        <Table label="Agents that read it">
          <Columns of={['Agent', { number: 'Rate' }, { number: 'Lag' }, { number: 'Oldest' }, { number: 'Full' }]} />
          <tbody>
            {readers.map(({ group, agent, shown, reading }) => (
              <tr key={group}>
                <th scope="row">
                  <a href={hrefTo(['agents', agent])}>{shown}</a>
                </th>
                <td class="number">{perSecondText(reading.per_second)}</td>
                <td class="number">{countText(reading.lag)}</td>
                <td class="number">{secondsText(reading.lag === 0 ? null : reading.lag_seconds)}</td>
                <td class="number">{percentText(reading.full)}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
    </section>
  )
}

function Schema({ answer: { schema } }: { readonly answer: TopicAnswer }) {
  return (
    <section aria-labelledby="schema">
      <h2 id="schema">Schema</h2>
      {schema === null ? (
        <p class="dim">Its library does not give it as a JSON schema.</p>
      ) : (
        <Box text={JSON.stringify(schema, null, 2)} label="JSON schema" />
      )}
    </section>
  )
}
