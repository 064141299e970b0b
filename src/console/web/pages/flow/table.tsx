import { overview } from '../../live/overview.ts'
import { countText, percentText, perSecondText, secondsText } from '../../parts/numbers.ts'
import { Columns } from '../../parts/table.tsx'
import { nameOf } from './edges.tsx'
import { endId, type Graph } from './graph.ts'
import { rateOf, readingOn, sidesOf } from './rate.ts'
import { edgeParts } from './selection.ts'
import { flowHref } from './shape.ts'
import { MARKS, toneOf, versionText, wordsOf } from './standing.ts'

/** All that the graph shows, as two tables: for those who do not see it, and for whoever looks for one number. */
export function FlowTable({ graph }: { readonly graph: Graph }) {
  const now = overview.value
  if (now === undefined) return null
  const versions = graph.boxes.flatMap(box => box.groups.map(group => ({ box, group })))
  return (
    <div class="flow-table">
      <h2>Agents</h2>
      <div class="scroll">
        <table>
          <Columns of={['Agent', 'How it is', { number: 'Handles' }, { number: 'Busy' }, { number: 'p99' }]} />
          <tbody>
            {versions.map(({ box, group }) => {
              const node = now.agents[group]
              if (node === undefined) return null
              const tone = toneOf(node)
              return (
                <tr key={group}>
                  <th scope="row">
                    <a href={flowHref([endId({ box: box.id, group })])}>
                      {box.name} {versionText(node)}
                    </a>
                  </th>
                  <td>
                    <span class={`tone ${tone}`} aria-hidden="true">
                      {MARKS[tone]}
                    </span>{' '}
                    {wordsOf(node)}
                  </td>
                  <td class="number">{perSecondText(node.handled_per_second)}</td>
                  <td class="number">{percentText(node.busy)}</td>
                  <td class="number">{secondsText(node.handler_seconds.p99 ?? null)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
      <h2>Edges</h2>
      <div class="scroll">
        <table>
          <Columns of={['From → to', { number: 'Rate' }, { number: 'Lag' }, { number: 'Oldest' }, { number: 'Full' }]} />
          <tbody>
            {graph.edges.map(edge => {
              const sides = sidesOf(edge, now)
              const rate = rateOf(edge, sides)
              const reading = readingOn(edge, sides)
              return (
                <tr key={edge.id}>
                  <th scope="row">
                    <a href={flowHref(edgeParts(edge))}>{nameOf(edge)}</a>
                  </th>
                  <td class="number">{rate === undefined ? '–' : `${rate.exact ? '' : 'part of '}${perSecondText(rate.perSecond)}`}</td>
                  <td class="number">{reading === undefined ? '–' : countText(reading.lag)}</td>
                  <td class="number">{reading === undefined ? '–' : secondsText(reading.lag === 0 ? null : reading.lag_seconds)}</td>
                  <td class="number">{reading === undefined ? '–' : percentText(reading.full)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    </div>
  )
}
