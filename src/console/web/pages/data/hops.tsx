import type { Life } from '../../../api/data.ts'
import type { ShownDatum } from '../../../api/topics.ts'
import { Box } from '../../parts/box.tsx'
import { countText } from '../../parts/numbers.ts'
import { payloadText } from '../../parts/payload.ts'
import { Columns, Table } from '../../parts/table.tsx'
import { hrefTo } from '../../router.ts'
import { differencesOf } from './diff.ts'
import { generationsOf, makerOf } from './lineage.ts'

/** What the datum is at every hop, and how it differs from what it was made of. */
export function Hops({ life }: { readonly life: Life }) {
  const generations = generationsOf(life)
  const byId = new Map(life.data.map(datum => [datum.data_id, datum]))
  const inOrder = life.data.toSorted(
    (a, b) => generations.get(a.data_id)! - generations.get(b.data_id)! || a.appended.localeCompare(b.appended),
  )
  return (
    <section aria-labelledby="payloads">
      <h2 id="payloads">Payloads</h2>
      {inOrder.map(datum => {
        const parent = datum.parents.map(id => byId.get(id)).find(found => found !== undefined)
        const maker = makerOf(datum.data_id, life.links)
        return <Hop key={datum.data_id} datum={datum} parent={parent} maker={maker} isAsked={datum.data_id === life.data_id} />
      })}
    </section>
  )
}

interface HopProps {
  readonly datum: ShownDatum
  readonly parent: ShownDatum | undefined
  readonly maker: string | undefined
  readonly isAsked: boolean
}

function Hop({ datum, parent, maker, isAsked }: HopProps) {
  return (
    <details class="hop" open={isAsked}>
      <summary>
        <b>{datum.topic}</b> {maker === undefined ? <>from {datum.source}</> : <>by {maker}</>}
        {isAsked ? <span class="mark">this datum</span> : <a href={hrefTo(['data', datum.data_id])}>{datum.data_id}</a>}
      </summary>
      <Box
        text={datum.json === undefined || datum.cut !== undefined ? payloadText(datum) : JSON.stringify(datum.json, null, 2)}
        label={`Payload in ${datum.topic}`}
      />
      {parent !== undefined && <Against datum={datum} parent={parent} />}
    </details>
  )
}

function Against({ datum, parent }: { readonly datum: ShownDatum; readonly parent: ShownDatum }) {
  if (datum.json === undefined || parent.json === undefined || datum.cut !== undefined || parent.cut !== undefined)
    return <p class="dim">Compared are data that are JSON and shown whole.</p>
  const { differing, same, isCut } = differencesOf(parent.json, datum.json)
  return (
    <>
      <h3>
        Against <a href={hrefTo(['data', parent.data_id])}>{parent.topic}</a>, of which it was made
        {datum.parents.length > 1 && <> with {countText(datum.parents.length - 1)} more</>}
      </h3>
      {differing.length === 0 ? (
        <p class="dim">The same.</p>
      ) : (
        <Table label={`How it differs from ${parent.topic}`}>
          <Columns of={['Field', parent.topic, datum.topic]} />
          <tbody>
            {differing.map(difference => (
              <tr key={difference.path}>
                <th scope="row">
                  <code>{difference.path === '' ? '(the whole)' : difference.path}</code>
                </th>
                <td>{'before' in difference ? <del>{JSON.stringify(difference.before)}</del> : <span class="dim">–</span>}</td>
                <td>{'after' in difference ? <ins>{JSON.stringify(difference.after)}</ins> : <span class="dim">–</span>}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      <p class="dim">
        {countText(same)} {same === 1 ? 'field is' : 'fields are'} the same{isCut ? '; there are more that differ' : ''}.
      </p>
    </>
  )
}
