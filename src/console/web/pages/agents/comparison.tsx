import { useState } from 'preact/hooks'
import type { CompareAnswer, ComparedTopic } from '../../../api/agents.ts'
import { useResource } from '../../live/resource.ts'
import { shownGroup, typedAmong } from '../../parts/agent-names.ts'
import { Command } from '../../parts/command.tsx'
import { Field } from '../../parts/field.tsx'
import { countText, percentText } from '../../parts/numbers.ts'
import { Empty, Show } from '../../parts/states.tsx'
import { Columns, Table } from '../../parts/table.tsx'
import { hrefTo, query, setQuery } from '../../router.ts'
import { differenceText, firstTwo } from './compared.ts'
import type { Version } from './version.tsx'

const LASTS = ['1m', '10m', '1h', '1d']

/** What two versions made of the same data, datum by datum. Both logs are read for it, so it is asked for. */
export function Comparison({ versions }: { readonly versions: readonly Version[] }) {
  const [asked, setAsked] = useState<string>()
  const [first, second] = firstTwo(versions, query.value.get('first'), query.value.get('second'))
  const last = query.value.get('last') ?? '10m'
  const groups = versions.map(({ group }) => group)
  const typed = ({ group }: Version) => typedAmong(group, groups)
  const path = `/v1/compare?${new URLSearchParams({ first: typed(first), second: typed(second), last })}`
  const isSame = first.group === second.group
  return (
    <section>
      <h2>Outputs compared</h2>
      <div class="filter">
        <Choice label="First" versions={versions} chosen={first} name="first" />
        <Choice label="Second" versions={versions} chosen={second} name="second" />
        <Field label="Of data of the last">
          <select value={last} onChange={event => setQuery({ last: event.currentTarget.value })}>
            {LASTS.map(each => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </Field>
        <button type="button" class="primary" disabled={isSame} onClick={() => setAsked(path)}>
          Compare
        </button>
        {isSame && <span class="dim">Choose two versions.</span>}
      </div>
      {asked !== undefined && <Compared path={asked} />}
      <p>
        <Command text={`millrace compare ${typed(first)} ${typed(second)} --last ${last}`} />
      </p>
    </section>
  )
}

function Choice({
  label,
  versions,
  chosen,
  name,
}: {
  readonly label: string
  readonly versions: readonly Version[]
  readonly chosen: Version
  readonly name: 'first' | 'second'
}) {
  return (
    <Field label={label}>
      <select value={chosen.group} onChange={event => setQuery({ [name]: event.currentTarget.value })}>
        {versions.map(({ group }) => (
          <option key={group} value={group}>
            {shownGroup(group).shown}
          </option>
        ))}
      </select>
    </Field>
  )
}

function Compared({ path }: { readonly path: string }) {
  const found = useResource<CompareAnswer>(path)
  return (
    <Show resource={found} what="what both have handled">
      {answer =>
        answer.compared === 0 ? (
          <Empty title="Both have handled none of the same data of that time">
            <p>Choose a longer one, or wait until both have had some.</p>
          </Empty>
        ) : (
          <>
            <p class="dim">
              {answer.compared < answer.handled
                ? `A sample: ${countText(answer.compared)} of ${countText(answer.handled)} data that both have handled.`
                : `All ${countText(answer.handled)} data that both have handled.`}
            </p>
            {answer.topics.map(topic => (
              <Topic
                key={topic.topic}
                of={topic}
                names={answer.versions.map(({ agent, shadow }) => (shadow ? `${agent} (shadow)` : agent))}
              />
            ))}
          </>
        )
      }
    </Show>
  )
}

function Topic({ of: topic, names }: { readonly of: ComparedTopic; readonly names: readonly string[] }) {
  const [first = 'first', second = 'second'] = names
  return (
    <section>
      <h3>
        {topic.topic}{' '}
        <span class={`mark ${topic.equal_share === 1 ? 'good' : 'warn'}`}>
          {topic.equal_share === null ? 'no pairs' : `${percentText(topic.equal_share)} equal`}
        </span>
      </h3>
      <p class="dim">
        {countText(topic.pairs)} pairs; only from {first}: {countText(topic.only_first)}, only from {second}: {countText(topic.only_second)}
        {topic.unknown > 0 && `; not paired: ${countText(topic.unknown)}`}
      </p>
      {topic.fields.length > 0 && (
        <Table label={`Fields of ${topic.topic}`}>
          <Columns
            of={['Field', { number: 'Numbers' }, { number: 'Off by' }, { number: 'At most' }, { number: 'Bias' }, { number: 'Different' }]}
          />
          <tbody>
            {topic.fields.map(field => (
              <tr key={field.field}>
                <td>{field.field === '' ? '(all of it)' : field.field}</td>
                <td class="number">{countText(field.numbers)}</td>
                <td class="number">{differenceText(field.mean, field.numbers)}</td>
                <td class="number">{differenceText(field.max, field.numbers)}</td>
                <td class="number">{differenceText(field.bias, field.numbers)}</td>
                <td class="number">{countText(field.different)}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {topic.examples.length > 0 && (
        <Table label={`The largest differences in ${topic.topic}`}>
          <Columns of={['The largest differences', first, second]} />
          <tbody>
            {topic.examples.map(({ data_id: id, index, values }) => (
              <tr key={`${id} ${index}`}>
                <td class="nowrap">
                  <a class="mono" href={hrefTo(['data', id])}>
                    {id}
                  </a>
                </td>
                <td class="wide mono">{JSON.stringify(values[0])}</td>
                <td class="wide mono">{JSON.stringify(values[1])}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
    </section>
  )
}
