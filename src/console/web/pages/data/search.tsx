import { overview } from '../../live/overview.ts'
import { Command } from '../../parts/command.tsx'
import { findCommand } from '../../parts/commands.ts'
import { Conditions } from '../../parts/conditions.tsx'
import { Field } from '../../parts/field.tsx'
import { countText, timeText } from '../../parts/numbers.ts'
import { payloadText } from '../../parts/payload.ts'
import { Empty, Failed, Loading } from '../../parts/states.tsx'
import { Columns, Table } from '../../parts/table.tsx'
import { goTo, hrefTo, query, setQuery } from '../../router.ts'
import { type Asked, askedIn, asksNothing, isDataId } from './asked.ts'
import { type Found, useSearch } from './use-search.ts'

/** Looks for data by whatever is known of them. All of the question stands in the URL. */
export function SearchView() {
  const asked = askedIn(query.value)
  const { where, ...texts } = asked
  const found = useSearch(asked)
  return (
    <>
      <div class="headline">
        <h1>Data</h1>
        <p>
          <Command text={findCommand(texts, where)} />
        </p>
      </div>
      <IdForm />
      <AskForm asked={asked} />
      <div role="status">
        {found.busy && found.data.length === 0 && (
          <Loading what={found.lookedAt === 0 ? 'data' : `data: looked at ${countText(found.lookedAt)}`} />
        )}
      </div>
      {found.problem !== undefined && <Failed problem={found.problem} />}
      {asksNothing(asked) ? (
        <Empty title="What are you looking for?">
          <p>A data_id says all of a datum’s life. Else name a topic, a key, a source, a time or a condition.</p>
        </Empty>
      ) : (
        <Results found={found} />
      )}
    </>
  )
}

/** By its id one goes straight to the datum; an id that a producer gave needs the producer, too. */
function IdForm() {
  return (
    <form
      class="filter"
      onSubmit={event => {
        event.preventDefault()
        const form = new FormData(event.currentTarget)
        const id = String(form.get('id')).trim()
        const source = String(form.get('producer')).trim()
        if (id !== '') goTo(hrefTo(['data', id], source === '' || isDataId(id) ? {} : { source }))
      }}
    >
      <Field label="data_id, or a producer’s own id">
        <input name="id" required size={40} spellcheck={false} autocomplete="off" />
      </Field>
      <Field label="Producer, for its own id">
        <input name="producer" size={14} autocomplete="off" />
      </Field>
      <button type="submit" class="primary">
        Show its life
      </button>
    </form>
  )
}

function AskForm({ asked }: { readonly asked: Asked }) {
  const topics = Object.keys(overview.value?.topics ?? {}).sort()
  const text = (
    name: Exclude<keyof Asked, 'where'>,
    label: string,
    rest: { readonly list?: string; readonly placeholder?: string; readonly size: number },
  ) => (
    <Field label={label}>
      <input
        type="text"
        {...rest}
        value={asked[name]}
        autocomplete="off"
        onChange={event => setQuery({ [name]: event.currentTarget.value.trim() })}
      />
    </Field>
  )
  return (
    <search class="filter">
      {text('topic', 'Topic', { list: 'search-topics', placeholder: 'any', size: 16 })}
      {text('key', 'Key', { placeholder: 'any', size: 12 })}
      {text('source', 'Source', { placeholder: 'any', size: 14 })}
      {text('from', 'From', { placeholder: '10m, or a time', size: 14 })}
      {text('to', 'To', { placeholder: 'now', size: 14 })}
      <Conditions values={asked.where} onChange={where => setQuery({ where })} />
      <datalist id="search-topics">
        {topics.map(topic => (
          <option key={topic} value={topic} />
        ))}
      </datalist>
    </search>
  )
}

function Results({ found }: { readonly found: Found }) {
  const { data, lookedAt, more, busy } = found
  if (data.length === 0) {
    if (busy || found.problem !== undefined) return null
    if (more === null) return <Empty title="Nothing like that">Looked at all of the {countText(lookedAt)} data that are there.</Empty>
  }
  return (
    <>
      {data.length > 0 && (
        <Table label="Data that were found">
          <Columns of={['Appended', 'Topic', 'Key', 'Source', 'data_id', 'Datum']} />
          <tbody>
            {data.map(datum => (
              <tr key={`${datum.topic}/${datum.partition}/${datum.offset}`}>
                <td class="nowrap">
                  <time dateTime={datum.appended} title={datum.appended}>
                    {timeText(datum.appended)}
                  </time>
                </td>
                <td>
                  <a href={hrefTo(['topics', datum.topic])}>{datum.topic}</a>
                </td>
                <td class="breaks">{datum.key ?? <span class="dim">none</span>}</td>
                <td class="breaks">{datum.source}</td>
                <td class="nowrap">
                  <a class="mono" href={hrefTo(['data', datum.data_id])}>
                    {datum.data_id}
                  </a>
                </td>
                <td>
                  <code class="clipped">{payloadText(datum)}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      <p class="row">
        <span class="dim" role="status">
          {countText(data.length)} found, looked at {countText(lookedAt)} data{more === null ? ': that is all' : ''}.
        </span>
        {more !== null && (
          <button type="button" disabled={busy} onClick={found.goOn}>
            {busy ? 'Looking…' : 'Look further back'}
          </button>
        )}
      </p>
    </>
  )
}
