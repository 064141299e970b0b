import type { GroupsAnswer, LetterGroup } from '../../../api/dead.ts'
import { useResource } from '../../live/resource.ts'
import { Changes } from '../../parts/action.tsx'
import { Command } from '../../parts/command.tsx'
import { countText } from '../../parts/numbers.ts'
import { Share } from '../../parts/share.tsx'
import { Empty, Show } from '../../parts/states.tsx'
import { Columns, Table } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'
import { hrefTo, query } from '../../router.ts'
import { DiscardSome } from './discard.tsx'
import { Expired } from './expired.tsx'
import { askedOf, filterIn, flagsOf, isNarrowed } from './filter.ts'
import { FilterForm } from './filter-form.tsx'
import { ReplaySome } from './replay.tsx'

/** Grouping reads every letter: not more often than somebody looks. */
const EVERY_MS = 10_000

/** The mistakes behind the letters, the most frequent first: forty thousand letters are mostly three. */
export function GroupsView() {
  const filter = filterIn(query.value)
  const found = useResource<GroupsAnswer>(`/v1/dead/groups?${askedOf(filter)}`, EVERY_MS)
  return (
    <>
      <FilterForm filter={filter} />
      <Show resource={found} what="the dead letters by how they failed">
        {({ groups }) =>
          groups.length === 0 ? <Nothing narrowed={isNarrowed(filter)} /> : <Groups groups={groups} filter={filter} reload={found.reload} />
        }
      </Show>
      <Expired />
      <p>
        <Command text={`millrace dead groups${flagsOf(filter)}`} />
      </p>
    </>
  )
}

function Nothing({ narrowed }: { readonly narrowed: boolean }) {
  return narrowed ? (
    <Empty title="No dead letters match">
      <p>Clear a field above to see more.</p>
    </Empty>
  ) : (
    <Empty title="No dead letters">
      <p>Every datum was handled, or is on its way. One that an agent cannot handle comes here, with its error, and waits for a person.</p>
    </Empty>
  )
}

function Groups({
  groups,
  filter,
  reload,
}: {
  readonly groups: readonly LetterGroup[]
  readonly filter: ReturnType<typeof filterIn>
  reload(): void
}) {
  const total = groups.reduce((sum, { count }) => sum + count, 0)
  const most = groups[0]?.count ?? 1
  const newest = Math.max(...groups.map(({ example }) => example))
  const what = isNarrowed(filter) ? 'the letters that match' : 'all dead letters'
  return (
    <>
      <div class="headline">
        <p>
          <strong>{countText(total)}</strong> {total === 1 ? 'letter' : 'letters'}, failed in <strong>{countText(groups.length)}</strong>{' '}
          {groups.length === 1 ? 'way' : 'ways'}. Mend the cause, then replay them.
        </p>
        <Changes>
          <ReplaySome filter={filter} what={what} count={total} onDone={reload} />
          <DiscardSome filter={filter} what={what} count={total} newest={newest} onDone={reload} />
        </Changes>
      </div>
      <Table label="Dead letters by how they failed">
        <Columns of={[{ number: 'Letters' }, 'How they fail', 'Agent', 'First', 'Last']} />
        <tbody>
          {groups.map(group => (
            <tr key={group.fingerprint}>
              <td class="number">
                {countText(group.count)}
                <Share of={group.count / most} label={`${group.count} of ${total} letters`} />
              </td>
              <td class="wide">
                <a href={hrefTo(['dead-letters', 'groups', group.fingerprint])}>
                  <span class="mono">{group.error.code ?? group.error.name}</span> {group.shape}
                </a>
              </td>
              <td class="nowrap">
                {group.agent}@{group.version}
              </td>
              <td class="nowrap">
                <When at={group.first} />
              </td>
              <td class="nowrap">
                <When at={group.last} />
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </>
  )
}
