import type { ComponentChildren } from 'preact'
import { overview } from '../../live/overview.ts'
import { Field } from '../../parts/field.tsx'
import { setQuery } from '../../router.ts'
import type { LetterFilter } from './filter.ts'

/** Narrows a view by agent, topic and reason; what is typed stands in the URL. */
export function FilterForm({ filter, children }: { readonly filter: LetterFilter; readonly children?: ComponentChildren }) {
  const agents = [...new Set(Object.values(overview.value?.agents ?? {}).map(({ agent }) => agent))].sort()
  const topics = Object.keys(overview.value?.topics ?? {}).sort()
  return (
    <search class="filter">
      <Field label="Agent">
        <input list="agents" value={filter.agent} placeholder="any" onChange={event => setQuery({ agent: event.currentTarget.value })} />
      </Field>
      <Field label="Topic">
        <input list="topics" value={filter.topic} placeholder="any" onChange={event => setQuery({ topic: event.currentTarget.value })} />
      </Field>
      <Field label="Reason contains">
        <input
          type="search"
          value={filter.matching}
          placeholder="any"
          onChange={event => setQuery({ matching: event.currentTarget.value })}
        />
      </Field>
      {children}
      <datalist id="agents">
        {agents.map(agent => (
          <option key={agent} value={agent} />
        ))}
      </datalist>
      <datalist id="topics">
        {topics.map(topic => (
          <option key={topic} value={topic} />
        ))}
      </datalist>
    </search>
  )
}
