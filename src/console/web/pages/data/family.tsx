import type { Life } from '../../../api/data.ts'
import { Command } from '../../parts/command.tsx'
import { countText, timeText } from '../../parts/numbers.ts'
import { hrefTo } from '../../router.ts'
import { CARD, lineageOf, type Member } from './lineage.ts'

/** What a datum was derived from and what was derived from it, down to the file and row where it is stored. */
export function Family({ life, command }: { readonly life: Life; readonly command: string }) {
  const { members, links, width, height } = lineageOf(life)
  return (
    <section aria-labelledby="lineage">
      <div class="headline">
        <h2 id="lineage">Lineage</h2>
        <Command text={command} />
      </div>
      {life.truncated && <p class="note">The nearest {countText(life.data.length)} are shown; there are more.</p>}
      {life.forgotten.length > 0 && (
        <p class="note">
          {countText(life.forgotten.length)} {life.forgotten.length === 1 ? 'relative is' : 'relatives are'} no longer in the log: what a
          topic keeps is limited.
        </p>
      )}
      {/* A region that scrolls must take the focus (WCAG 2.1.1). */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <section class="family" aria-label="The family of the datum, from its ancestors to where it is stored" tabIndex={0}>
        <div style={{ width: `${width}px`, height: `${height}px` }}>
          <svg width={width} height={height} aria-hidden="true">
            {links.map(({ from, to }) => (
              <path key={`${from.id} ${to.id}`} d={pathOf(from, to)} />
            ))}
          </svg>
          <ol>
            {members.map(member => (
              <Card key={member.id} member={member} asked={life.data_id} />
            ))}
          </ol>
        </div>
      </section>
    </section>
  )
}

function Card({ member, asked }: { readonly member: Member; readonly asked: string }) {
  const { datum, stored, by, x, y, generation } = member
  const style = { left: `${x}px`, top: `${y}px`, width: `${CARD.width}px`, height: `${CARD.height}px` }
  const how = by === undefined ? '' : `by ${by}`
  if (stored !== undefined) {
    return (
      <li class="stored" style={style}>
        <b title={stored.where}>{stored.where}</b>
        <span class="dim">
          {stored.row === null ? 'stored' : `row ${countText(stored.row)}`} {how}
        </span>
      </li>
    )
  }
  if (datum === undefined) return null
  const relation = generation === 0 ? '' : generation < 0 ? 'ancestor: ' : 'descendant: '
  return (
    <li style={style}>
      <a href={hrefTo(['data', datum.data_id])} aria-current={datum.data_id === asked} title={datum.data_id}>
        <b>
          <span class="unseen">{relation}</span>
          {datum.topic}
        </b>
        <span class="dim">
          {timeText(datum.appended)} {how === '' ? `from ${datum.source}` : how}
        </span>
        <span class="dim mono">{datum.data_id}</span>
      </a>
    </li>
  )
}

function pathOf(from: Member, to: Member): string {
  const [x1, y1, x2, y2] = [from.x + CARD.width, from.y + CARD.height / 2, to.x, to.y + CARD.height / 2]
  const middle = (x1 + x2) / 2
  return `M${x1},${y1}C${middle},${y1} ${middle},${y2} ${x2},${y2}`
}
