import type { GroupsAnswer, LetterGroup, ShownLetter } from '../../../api/dead.ts'
import { useResource } from '../../live/resource.ts'
import { Changes } from '../../parts/action.tsx'
import { Box } from '../../parts/box.tsx'
import { Command } from '../../parts/command.tsx'
import { Facts } from '../../parts/facts.tsx'
import { countText } from '../../parts/numbers.ts'
import { Empty, Show } from '../../parts/states.tsx'
import { Crumbs } from '../../parts/subnav.tsx'
import { When } from '../../parts/when.tsx'
import { hrefTo } from '../../router.ts'
import { DiscardSome } from './discard.tsx'
import type { LetterFilter } from './filter.ts'
import { LetterList } from './letters.tsx'
import { ReplaySome } from './replay.tsx'
import { TryGroup } from './try.tsx'

/** Letters that failed in the same way: the failure, an example, and what to do with all of them. */
export function GroupPage({ fingerprint }: { readonly fingerprint: string }) {
  const found = useResource<GroupsAnswer>('/v1/dead/groups', 10_000)
  return (
    <>
      <Crumbs up={[{ parts: ['dead-letters'], title: 'Dead letters' }]} title={`Group ${fingerprint}`} />
      <Show resource={found} what="the group">
        {({ groups }) => {
          const group = groups.find(each => each.fingerprint === fingerprint)
          return group === undefined ? <Gone fingerprint={fingerprint} /> : <Group group={group} reload={found.reload} />
        }}
      </Show>
    </>
  )
}

function Gone({ fingerprint }: { readonly fingerprint: string }) {
  return (
    <Empty title={`No letter of ${fingerprint} is dead now`}>
      <p>All of them were replayed or discarded, or have expired.</p>
      <p>
        <a href={hrefTo(['dead-letters', 'letters'], { state: 'any' })}>See letters in any state</a>
      </p>
    </Empty>
  )
}

function Group({ group, reload }: { readonly group: LetterGroup; reload(): void }) {
  const filter: LetterFilter = { agent: '', topic: '', matching: '', fingerprint: group.fingerprint }
  const what = `the ${countText(group.count)} ${group.count === 1 ? 'letter' : 'letters'} of this group`
  return (
    <>
      <h1>
        {group.agent}@{group.version}: {group.error.code ?? group.error.name}
      </h1>
      <p class="lead">{group.shape}</p>
      <Facts
        of={{
          Letters: countText(group.count),
          First: <When at={group.first} />,
          Last: <When at={group.last} />,
          Fingerprint: <code>{group.fingerprint}</code>,
        }}
      />
      <Changes>
        <ReplaySome filter={filter} what={what} count={group.count} onDone={reload} />
        <TryGroup filter={filter} />
        <DiscardSome filter={filter} what={what} count={group.count} newest={group.example} onDone={reload} />
      </Changes>
      <p>
        <Command text={`millrace dead replay --group ${group.fingerprint}`} />
      </p>
      <h2>The newest of them</h2>
      <Example number={group.example} />
      <h2>Letters</h2>
      <LetterList filter={filter} state="dead" total={group.count} />
    </>
  )
}

function Example({ number }: { readonly number: number }) {
  const found = useResource<ShownLetter>(`/v1/dead/${number}`)
  return (
    <Show resource={found} what={`letter ${number}`}>
      {letter => (
        <>
          <p>
            <a href={hrefTo(['dead-letters', String(number)])}>Letter {number}</a>: {letter.error.message}
          </p>
          {letter.stack !== null && <Box text={letter.stack} label="Stack" />}
        </>
      )}
    </Show>
  )
}
