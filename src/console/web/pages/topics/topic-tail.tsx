import { Conditions } from '../../parts/conditions.tsx'
import { Field } from '../../parts/field.tsx'
import { TailView } from '../../parts/tail.tsx'
import { query, setQuery } from '../../router.ts'

/** What comes into a topic, from a time on and by conditions that stand in the URL. */
export function TopicTail({ topic }: { readonly topic: string }) {
  const from = query.value.get('from') ?? 'latest'
  const where = query.value.getAll('where')
  return (
    <section aria-labelledby="tail">
      <h2 id="tail">Live tail</h2>
      <search class="filter">
        <Field label="From">
          <input list="tail-from" value={from} size={14} onChange={event => setQuery({ from: startOf(event.currentTarget.value) })} />
        </Field>
        <Conditions values={where} onChange={conditions => setQuery({ where: conditions })} />
        <datalist id="tail-from">
          <option value="latest">what comes from now on</option>
          <option value="10m">from 10 minutes ago</option>
          <option value="1h">from an hour ago</option>
          <option value="earliest">all that is there</option>
        </datalist>
      </search>
      <TailView topic={topic} from={from} where={where} />
    </section>
  )
}

/** What is the default needs no place in the URL. */
function startOf(text: string): string {
  return text.trim() === 'latest' ? '' : text.trim()
}
