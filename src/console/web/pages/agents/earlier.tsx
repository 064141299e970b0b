import { shownGroup } from '../../parts/agent-names.ts'
import { countText } from '../../parts/numbers.ts'
import { Columns, Table } from '../../parts/table.tsx'
import { hrefTo } from '../../router.ts'
import { VersionActions } from './actions.tsx'
import { toneOf } from './conditions.ts'
import type { Version } from './version.tsx'

/** Versions that are over: what they have done stays counted, and some can be let go on. */
export function Earlier({
  versions,
  groups,
  reload,
}: {
  readonly versions: readonly Version[]
  readonly groups: readonly string[]
  reload(): void
}) {
  return (
    <section>
      <h2>Earlier</h2>
      <Table label="Earlier versions">
        <Columns of={['Version', 'State', { number: 'Done' }, { number: 'Dead letters' }, { unseen: 'Actions' }]} />
        <tbody>
          {versions.map(version => (
            <tr key={version.group}>
              <td class="nowrap">{shownGroup(version.group).shown}</td>
              <td>
                <span class="mark">{toneOf(version).word}</span>
              </td>
              <td class="number">{countText(version.done)}</td>
              <td class="number">
                {version.dead === 0 ? '0' : <a href={hrefTo(['dead-letters'], { agent: version.group })}>{countText(version.dead)}</a>}
              </td>
              <td>
                <VersionActions of={version} groups={groups} reload={reload} />
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </section>
  )
}
