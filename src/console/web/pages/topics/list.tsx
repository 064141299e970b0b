import { overview } from '../../live/overview.ts'
import { Command } from '../../parts/command.tsx'
import { Field } from '../../parts/field.tsx'
import { countText, perSecondText, secondsText } from '../../parts/numbers.ts'
import { Share } from '../../parts/share.tsx'
import { Empty, Loading } from '../../parts/states.tsx'
import { Columns, Table } from '../../parts/table.tsx'
import { hrefTo, query, setQuery } from '../../router.ts'
import { readersOf } from './readers.ts'

/** From so many topics on one looks for them by name. */
const MANY = 12

export function TopicsList() {
  const now = overview.value
  if (now === undefined) return <Loading what="the topics" />
  const all = Object.entries(now.topics)
  const letters = query.value.get('named') ?? ''
  const shown = all.filter(([name]) => name.includes(letters))
  const most = Math.max(...shown.map(([, topic]) => topic.in_per_second))
  return (
    <>
      <div class="headline">
        <h1>Topics</h1>
        <Command text="millrace topics" />
      </div>
      {all.length === 0 && <Empty title="There are no topics yet">A pipeline’s topics appear here as soon as it is started.</Empty>}
      {(all.length > MANY || letters !== '') && (
        <search class="filter">
          <Field label="Name contains">
            <input type="search" value={letters} onInput={event => setQuery({ named: event.currentTarget.value })} />
          </Field>
          <span class="dim" role="status">
            {countText(shown.length)} of {countText(all.length)}
          </span>
        </search>
      )}
      {shown.length > 0 && (
        <Table label="Topics">
          <Columns of={['Topic', { number: 'In' }, null, { number: 'Held' }, { number: 'Partitions' }, 'Kept', 'Written by', 'Read by']} />
          <tbody>
            {shown.map(([name, topic]) => {
              const { writers, readers } = readersOf(name, now)
              return (
                <tr key={name}>
                  <th scope="row">
                    <a href={hrefTo(['topics', name])}>{name}</a>
                  </th>
                  <td class="number">{perSecondText(topic.in_per_second)}</td>
                  <td>
                    <Share of={most === 0 ? 0 : topic.in_per_second / most} label={`${perSecondText(topic.in_per_second)}`} />
                  </td>
                  <td class="number">{countText(topic.retained)}</td>
                  <td class="number">{countText(topic.partitions)}</td>
                  <td>{topic.retention_seconds === undefined ? 'whatever its age' : secondsText(topic.retention_seconds)}</td>
                  <td>{topic.entry ? <a href={hrefTo(['producers'])}>producers</a> : writers.join(', ')}</td>
                  <td>{readers.length === 0 ? <span class="dim">nobody</span> : readers.map(({ shown }) => shown).join(', ')}</td>
                </tr>
              )
            })}
          </tbody>
        </Table>
      )}
    </>
  )
}
